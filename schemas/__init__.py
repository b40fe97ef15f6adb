"""What flows: values, keys, topics, the wire form, outcomes and the exceptions. Imports nothing of ours."""
