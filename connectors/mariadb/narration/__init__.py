"""The rows behind generated narratives: which entries need one, the right to pay for it, and what each call cost.

- `due_entries`: entries of closed periods without a generated narrative; attaches narratives to entries
- `reservations`: the exclusive right to call a language model for a content, and storing the answer
- `llm_calls`: each language model call as a row, and the budget that it is reserved from

Not here: prompts and the checks of an answer (`processors.billing.narratives`), the call itself (`connectors.llm`) and
the loop that drives it (`streams.bill.narration`).
"""
