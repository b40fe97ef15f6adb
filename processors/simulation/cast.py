"""Who is in the week: the firm, its clients and matters, and for each person the pieces of work under way."""

import msgspec

from processors.simulation.chance import RandomDraws, SeededStreams
from processors.simulation.dials import Dials
from processors.simulation.values import FIRM_NAME, Client, Firm, Matter, Person
from processors.simulation.vocabulary import accountants, consultants, engineers, lawyers
from processors.simulation.vocabulary.names import BEGINNINGS, ENDINGS, FIRST_NAMES, FORMS, PLACES, TRADES
from processors.simulation.vocabulary.task import Task

TASKS = {
    "lawyer": lawyers.TASKS,
    "accountant": accountants.TASKS,
    "consultant": consultants.TASKS,
    "engineer": engineers.TASKS,
}

FIRM_DOMAIN = "generated.test"
INTERNAL_MATTER = Matter("0000-ADMIN", "Administration", f"{FIRM_NAME} itself", ("admin",), billable=False)


class Piece(msgspec.Struct, frozen=True):
    """A piece of work with all that it shows on a screen. `label` is the true group's name."""

    label: str
    matter: Matter
    software: bool
    documents: tuple[str, ...]
    subjects: tuple[str, ...]
    sentences: tuple[str, ...]
    research: tuple[str, ...]
    meetings: tuple[str, ...]
    contacts: tuple[str, ...]
    files: tuple[str, ...]
    commits: tuple[str, ...]


def generate_firm(dials: Dials, year: int, seeded: SeededStreams) -> tuple[Firm, dict[str, tuple[Piece, ...]]]:
    """The firm, and each person's pieces by their mail address."""
    chance = RandomDraws(seeded("firm"))
    clients = _clients(chance, max(4, dials.people * 2))
    people, matters, pieces = [], [INTERNAL_MATTER], {}
    for index in range(dials.people):
        person = _person(index)
        own = _PieceGenerator(RandomDraws(seeded(f"cast {index}")), clients, f"{year}-{index + 1:02d}")
        under_way, theirs = own.generate(person, dials.pieces)
        people.append(person)
        matters.extend(theirs)
        pieces[person.email] = under_way
    own_client = Client(INTERNAL_MATTER.client, FIRM_DOMAIN)
    return Firm(FIRM_NAME, tuple(people), (own_client, *clients), tuple(matters)), pieces


def _person(index: int) -> Person:
    zone, profession = PLACES[index % len(PLACES)]
    first = FIRST_NAMES[index % len(FIRST_NAMES)]
    last = f"{BEGINNINGS[(index * 7) % len(BEGINNINGS)]}{ENDINGS[(index * 5) % len(ENDINGS)]}"
    name = f"{first} {last}" if index < len(FIRST_NAMES) else f"{first} {last} {index // len(FIRST_NAMES) + 1}"
    return Person(f"{name.lower().replace(' ', '.')}@{FIRM_DOMAIN}", f"{name} (generated)", zone, profession)


def _clients(chance: RandomDraws, count: int) -> tuple[Client, ...]:
    found: dict[str, Client] = {}
    while len(found) < count:
        short = chance.pick(BEGINNINGS) + chance.pick(ENDINGS)
        if len(found) >= len(BEGINNINGS) * len(ENDINGS) // 2:
            short += str(len(found))  # the names run out; a number keeps them apart
        client = Client(f"{short} {chance.pick(TRADES)} {chance.pick(FORMS)}", f"{short.lower()}.test")
        found.setdefault(client.domain, client)
    return tuple(found.values())


class _PieceGenerator:
    """Draws one person's matters and pieces."""

    def __init__(self, chance: RandomDraws, clients: tuple[Client, ...], number_prefix: str) -> None:
        self.chance, self.clients, self.numbers = chance, clients, number_prefix

    def generate(self, person: Person, count: int) -> tuple[tuple[Piece, ...], tuple[Matter, ...]]:
        """About two pieces a matter: their titles share the client and the task, and differ in the part."""
        tasks = self.chance.sample(TASKS[person.profession], len(TASKS[person.profession]))
        pieces: list[Piece] = []
        matters: list[Matter] = []
        while len(pieces) < count:
            task = tasks[len(matters) % len(tasks)]
            client = self.chance.pick(self.clients)
            short = client.name.split()[0]
            number = f"{self.numbers}{len(matters) + 1:02d}"
            matter = Matter(number, f"{task.name} {short}", client.name, (f"{short} {task.name.lower()}",))
            matters.append(matter)
            for part in self.chance.sample(task.parts, min(self.chance.integer(1, 3), count - len(pieces))):
                pieces.append(self._piece(task, client, matter, part))
        return tuple(pieces), tuple(matters)

    def _piece(self, task: Task, client: Client, matter: Matter, part: str) -> Piece:
        other = self.chance.pick([one for one in self.clients if one != client])

        def filled(patterns: tuple[str, ...]) -> tuple[str, ...]:
            words = {"client": client.name, "short": client.name.split()[0], "other": other.name.split()[0]}
            return tuple(one.format(part=part, v=self.chance.integer(1, 6), **words) for one in patterns)

        return Piece(
            label=f"{matter.number} {task.name}: {part}",
            matter=matter,
            software=bool(task.commits),
            documents=filled(task.documents),
            subjects=filled(self.chance.sample(task.subjects, 2)),
            sentences=filled(task.sentences),
            research=filled(self.chance.sample(task.research, 2)),
            meetings=filled(task.meetings),
            contacts=(self._address(client), self._address(client), self._address(other)),
            files=task.files,
            commits=filled(task.commits),
        )

    def _address(self, company: Client) -> str:
        last = self.chance.pick(BEGINNINGS) + self.chance.pick(ENDINGS)
        return f"{self.chance.pick(FIRST_NAMES)}.{last}@{company.domain}".lower()
