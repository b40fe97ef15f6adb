"""Invented names, put together of syllables so that they are nobody's. Every domain ends in `.test`."""

BEGINNINGS = (
    "Quill", "Bram", "Ostr", "Velm", "Tarn", "Corv", "Ling", "Marl", "Wex", "Thrax", "Pell", "Drum", "Fenn", "Gorl",
    "Hask", "Jorv", "Kest", "Lorn", "Mosk", "Nard", "Orl", "Prax", "Rund", "Skell", "Trev", "Ulm", "Varn", "Yarl",
)  # fmt: skip
ENDINGS = ("moor", "wick", "dale", "ford", "mere", "stead", "holt", "combe", "garth", "leigh", "by", "thorpe")
TRADES = (
    "Foods", "Logistics", "Energy", "Textiles", "Pharma", "Shipping", "Estates", "Instruments", "Dairies", "Rail",
    "Timber", "Optics", "Ceramics", "Water", "Bank", "Insurance", "Packaging", "Hotels",
)  # fmt: skip
FORMS = ("Ltd", "GmbH", "Inc", "plc", "SA", "Group", "AG", "LLC")
FIRST_NAMES = (
    "Ada", "Bela", "Carla", "Dario", "Edda", "Faruk", "Greta", "Hana", "Ilan", "Jonas", "Kaja", "Lior", "Mina", "Nils",
    "Oona", "Pavel", "Rosa", "Samir", "Tilda", "Ugo", "Vera", "Willem", "Yuki", "Zola",
)  # fmt: skip

PLACES = (
    ("Europe/Berlin", "lawyer"),
    ("America/New_York", "accountant"),
    ("Asia/Kolkata", "engineer"),
    ("Australia/Sydney", "consultant"),
    ("America/Los_Angeles", "lawyer"),
    ("Europe/London", "accountant"),
    ("Asia/Tokyo", "consultant"),
    ("America/Sao_Paulo", "engineer"),
)
"""Where the first, second ... person is and what they are; then it begins anew."""
