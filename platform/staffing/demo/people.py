"""The invented people of the demo. No name is a place, a service or a real person's that was looked up; a test compares them.

Everything here is fixed, so that the logins can be named without a database.
"""

from dataclasses import dataclass

AGENCY_NAME = "Lantern Relief Partners"
AGENCY_DOMAIN = "lantern.example"
AGENCY_ZONE = "America/New_York"

GIVEN = (
    "Ana", "Mira", "Joel", "Tessa", "Rafael", "Lucinda", "Benito", "Priya", "Owen", "Marisol", "Dmitri", "Yesenia",
    "Colm", "Anjali", "Hector", "Liesl", "Noemi", "Tobias", "Graciela", "Emeka", "Ingrid", "Paolo", "Sunita", "Wendell",
    "Amihan", "Jovita", "Kasia", "Leandro", "Meera", "Nestor", "Ophelia", "Quentin", "Ramona", "Stellan", "Thandi", "Ulises",
    "Vera", "Winifred", "Xenia", "Yusuf", "Zenaida", "Arturo", "Bronwyn", "Cecily", "Dalisay", "Esteban", "Fiona", "Gideon",
    "Hana", "Ivo", "Jocelyn", "Kofi", "Lorena", "Mateo", "Nadia", "Oskar", "Pilar", "Rosalind", "Silvan", "Trudy",
)  # fmt: skip
FAMILY = (
    "Abellana", "Balanay", "Castellano", "Delfin", "Espinar", "Ferrante", "Gatchalian", "Hernando", "Ilagan", "Jurado",
    "Kowalczyk", "Lindqvist", "Macaraeg", "Natividad", "Okonjo", "Panganiban", "Quiambao", "Ramnath", "Salonga", "Tumbaga",
    "Umali", "Villaruel", "Wojcik", "Ybarrola", "Zamudio", "Arceneaux", "Birdsall", "Crabtree", "Dunleavy", "Easterling",
    "Fairweather", "Goldfinch", "Hathaway", "Ingleworth", "Jellicoe", "Kestrelby", "Larkmoor", "Merriweather", "Nightingall",
    "Oakenfull", "Pennyworth", "Quillfeather", "Rosencrantz", "Silverthorne", "Thistlewood", "Underhay", "Vandermeer",
    "Whitlock", "Yarwood", "Zellinger", "Bhattarai", "Chaudhari", "Deshmukh", "Iyengar", "Kulkarni", "Mahapatra", "Nambiar",
    "Patankar", "Raghavan", "Subramani",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """Where a coordinator works from: country code, zone, languages beside English."""

    country: str
    zone: str
    languages: tuple[str, ...]


BASES = (
    Base("US", "America/New_York", ("es",)),
    Base("PH", "Asia/Manila", ("fil",)),
    Base("US", "America/Chicago", ()),
    Base("MX", "America/Mexico_City", ("es",)),
    Base("PH", "Asia/Manila", ("fil",)),
    Base("US", "America/Los_Angeles", ("zh",)),
    Base("CO", "America/Bogota", ("es",)),
    Base("US", "America/Denver", ()),
    Base("PH", "Asia/Manila", ("fil", "es")),
    Base("IN", "Asia/Kolkata", ()),
    Base("US", "America/New_York", ("vi",)),
    Base("ZA", "Africa/Johannesburg", ()),
)
"""Dealt round and round: 25 people in the United States, the others in six countries."""


@dataclass(frozen=True, slots=True)
class DemoCoordinator:
    reference: str
    name: str
    email: str
    base: Base


def _coordinators() -> tuple[DemoCoordinator, ...]:
    people = []
    for number in range(60):
        given, family = GIVEN[number], FAMILY[(number * 7 + 3) % len(FAMILY)]
        people.append(
            DemoCoordinator(
                reference=f"C-{2001 + number}",
                name=f"{given} {family}",
                email=f"{given}.{family}@{AGENCY_DOMAIN}".lower(),
                base=BASES[number % len(BASES)],
            )
        )
    return tuple(people)


COORDINATORS = _coordinators()

MANAGERS = (
    "Dana Fairweather", "Ruben Castellano", "Hazel Pennyworth", "Simon Jellicoe", "Ivy Underhay", "Marcus Dunleavy",
    "Beatrix Thistlewood", "Leon Silverthorne", "Carmen Zamudio", "Felix Whitlock", "Astrid Vandermeer", "Nolan Birdsall",
)  # fmt: skip
"""The practice managers, in the order of the facilities."""

STAFF = (
    ("dispatcher", "Robin Hathaway"),
    ("dispatcher", "Sasha Kestrelby"),
    ("billing", "Morgan Yarwood"),
    ("owner", "Eleanor Goldfinch"),
)
"""The agency's own people: role and name."""

PATIENT_GIVEN = (
    "Agnes", "Albert", "Alma", "Amos", "Bernice", "Boris", "Clara", "Cyril", "Delia", "Doris", "Edgar", "Edith", "Elmer",
    "Enid", "Ernest", "Esther", "Frieda", "Gilbert", "Gloria", "Harriet", "Herman", "Hilda", "Horace", "Irma", "Ivan", "Josefa",
    "Juana", "Klaus", "Leona", "Linus", "Lupita", "Mabel", "Manuel", "Marta", "Minerva", "Myra", "Nora", "Olive", "Otto", "Paula",
    "Percy", "Rosario", "Rufus", "Ruth", "Selma", "Stanley", "Thelma", "Ursula", "Vernon", "Wilma",
)  # fmt: skip
PATIENT_FAMILY = (
    "Aberforth", "Alvarado", "Barrowman", "Bellweather", "Bocanegra", "Brandvold", "Calloway", "Carmody", "Dankworth", "Dragomir",
    "Eisenhart", "Elphick", "Fennimoor", "Figueroa", "Gallardo", "Greenaway", "Hollander", "Huckaby", "Ibarguen", "Isherwood",
    "Jablonski", "Kaczmar", "Kirkbride", "Lattimore", "Ledesma", "Mandrake", "Gillicuddy", "Montalvo", "Nakagawa", "Nguyenby",
    "Oberholt", "Olazar", "Paxman", "Peregrine", "Quisenberry", "Ravenscroft", "Riquelme", "Sandquist", "Scattergood", "Tamblyn",
    "Trujillano", "Umberfield", "Valderrama", "Vosloo", "Wainscott", "Weatherby", "Yamashiro", "Yoxall", "Zambrano", "Zimmerly",
)  # fmt: skip
