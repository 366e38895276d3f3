"""In which time zone a school lives, as its place says.

Nobody asks a school for its zone, and the people who work for it may sit elsewhere; so the place decides: its state or
province where one is known, else its country. Countries of one zone come from the table of the zone database itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Final

DEFAULT: Final = "Asia/Taipei"

_MAIN: Final[Mapping[str, str]] = {
    "AQ": "Antarctica/McMurdo",
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UM": "Pacific/Wake",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}
"""Countries of several zones -> where most of their people live."""

_SUBDIVISIONS: Final[Mapping[str, str]] = {
    "Australia/Sydney": "AU-ACT AU-NSW",
    "Australia/Melbourne": "AU-VIC",
    "Australia/Hobart": "AU-TAS",
    "Australia/Brisbane": "AU-QLD",
    "Australia/Adelaide": "AU-SA",
    "Australia/Darwin": "AU-NT",
    "Australia/Perth": "AU-WA",
    "America/Noronha": "BR-FN",
    "America/Manaus": "BR-AM BR-RR BR-RO",
    "America/Cuiaba": "BR-MT BR-MS",
    "America/Rio_Branco": "BR-AC",
    "America/St_Johns": "CA-NL",
    "America/Halifax": "CA-NS CA-PE",
    "America/Moncton": "CA-NB",
    "America/Toronto": "CA-ON CA-QC",
    "America/Winnipeg": "CA-MB",
    "America/Regina": "CA-SK",
    "America/Edmonton": "CA-AB CA-NT",
    "America/Vancouver": "CA-BC",
    "America/Whitehorse": "CA-YT",
    "America/Iqaluit": "CA-NU",
    "Pacific/Easter": "CL-VS-IP",
    "America/Punta_Arenas": "CL-MA",
    "Pacific/Galapagos": "EC-W",
    "Atlantic/Canary": "ES-CN",
    "America/Guadeloupe": "FR-971 FR-GP",
    "America/Martinique": "FR-972 FR-MQ",
    "America/Cayenne": "FR-973 FR-GF",
    "Indian/Reunion": "FR-974 FR-RE",
    "Indian/Mayotte": "FR-976 FR-YT",
    "Asia/Makassar": "ID-BA ID-NB ID-NT ID-KI ID-KS ID-KU ID-SA ID-SN ID-SG ID-SR ID-ST ID-GO",
    "Asia/Jayapura": "ID-PA ID-PB ID-PD ID-PE ID-PS ID-PT ID-MA ID-MU",
    "America/Cancun": "MX-ROO",
    "America/Mazatlan": "MX-SIN MX-NAY MX-BCS",
    "America/Hermosillo": "MX-SON",
    "America/Tijuana": "MX-BCN",
    "Asia/Kuching": "MY-12 MY-13 MY-15",
    "Pacific/Chatham": "NZ-CIT",
    "Atlantic/Azores": "PT-20",
    "Atlantic/Madeira": "PT-30",
    "Europe/Kaliningrad": "RU-KGD",
    "Europe/Samara": "RU-SAM RU-UD",
    "Asia/Yekaterinburg": "RU-BA RU-CHE RU-KGN RU-ORE RU-PER RU-SVE RU-TYU RU-KHM RU-YAN",
    "Asia/Omsk": "RU-OMS",
    "Asia/Krasnoyarsk": "RU-AL RU-ALT RU-KEM RU-KK RU-KYA RU-NVS RU-TOM RU-TY",
    "Asia/Irkutsk": "RU-BU RU-IRK",
    "Asia/Yakutsk": "RU-AMU RU-SA RU-ZAB",
    "Asia/Vladivostok": "RU-KHA RU-PRI RU-YEV",
    "Asia/Magadan": "RU-MAG RU-SAK",
    "Asia/Kamchatka": "RU-CHU RU-KAM",
    "America/New_York": "US-CT US-DC US-DE US-FL US-GA US-KY US-MA US-MD US-ME US-NC US-NH US-NJ US-NY US-OH US-PA"
    " US-RI US-SC US-VA US-VT US-WV",
    "America/Detroit": "US-MI",
    "America/Indiana/Indianapolis": "US-IN",
    "America/Chicago": "US-AL US-AR US-IA US-IL US-KS US-LA US-MN US-MO US-MS US-ND US-NE US-OK US-SD US-TN US-TX"
    " US-WI",
    "America/Denver": "US-CO US-MT US-NM US-UT US-WY",
    "America/Boise": "US-ID",
    "America/Phoenix": "US-AZ",
    "America/Los_Angeles": "US-CA US-NV US-OR US-WA",
    "America/Anchorage": "US-AK",
    "Pacific/Honolulu": "US-HI",
    "Pacific/Pago_Pago": "US-AS",
    "Pacific/Guam": "US-GU",
    "Pacific/Saipan": "US-MP",
    "America/Puerto_Rico": "US-PR",
    "America/St_Thomas": "US-VI",
}
"""Where a part of a country keeps another time, or one that may part from the others'; a part of two zones counts with
the one in which most of its people live."""

_ZONE_OF_SUBDIVISION: Final = {place: zone for zone, places in _SUBDIVISIONS.items() for place in places.split()}


def zone_of(country: str, subdivision: str | None = None, *, people: Iterable[str] = ()) -> str:
    """The zone of a place, as IANA names it. country: ISO 3166-1; subdivision: ISO 3166-2.

    people: zones of those who work there; one of them decides where the place alone leaves it open.
    """
    if subdivision in _ZONE_OF_SUBDIVISION:
        return _ZONE_OF_SUBDIVISION[subdivision]
    possible = zones_of(country)
    theirs = next((zone for zone in people if zone in possible), None)
    return theirs or _MAIN.get(country) or next(iter(possible), DEFAULT)


def zones_of(country: str) -> tuple[str, ...]:
    """All zones of a country."""
    return _zones_by_country().get(country, ())


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    zones: dict[str, list[str]] = {}
    for country, zone in _rows():
        zones.setdefault(country, []).append(zone)
    return {country: tuple(names) for country, names in zones.items()}


def _rows() -> Iterator[tuple[str, str]]:
    """Country and zone, as the zone database lists them."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _coordinates, zone, *_remark = line.split("\t")
            yield country, zone
