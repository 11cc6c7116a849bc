"""Names, places and texts of invented people."""

from reintegration.choices import Livelihood

FEMALE = [
    ("Sita", "सीता"),
    ("Gita", "गीता"),
    ("Laxmi", "लक्ष्मी"),
    ("Saraswati", "सरस्वती"),
    ("Kalpana", "कल्पना"),
    ("Sunita", "सुनिता"),
    ("Maiya", "मैया"),
    ("Bimala", "विमला"),
    ("Dolma", "डोल्मा"),
    ("Pasang", "पासाङ"),
    ("Sabina", "सबिना"),
    ("Nirmala", "निर्मला"),
]
MALE = [
    ("Ram", "राम"),
    ("Hari", "हरि"),
    ("Dawa", "दावा"),
    ("Bikash", "विकास"),
    ("Suraj", "सुरज"),
    ("Mingma", "मिङ्मा"),
    ("Rajesh", "राजेश"),
    ("Gopal", "गोपाल"),
]
FAMILY = [
    ("Tamang", "तामाङ"),
    ("Shrestha", "श्रेष्ठ"),
    ("Magar", "मगर"),
    ("Chaudhary", "चौधरी"),
    ("Bishwokarma", "विश्वकर्मा"),
    ("Yadav", "यादव"),
    ("Gurung", "गुरुङ"),
    ("Nepali", "नेपाली"),
    ("Rai", "राई"),
    ("Thapa", "थापा"),
    ("Khatun", "खातुन"),
    ("Sherpa", "शेर्पा"),
]
DISTRICTS = ["304", "302", "306", "305", "309", "312", "111", "405"]
COUNTRIES = ["QA", "SA", "AE", "KW", "JO", "LB", "MY"]
# The purpose of a grant, by the livelihood of the plan.
PURPOSES = {
    Livelihood.TEA_SHOP: "Gas stove, cups and the first goods of a tea shop; three months’ rent.",
    Livelihood.GROCERY: "Shelves, scales and the first goods of a grocery shop.",
    Livelihood.TAILORING: "A sewing machine, cloth and thread for a tailoring shop.",
    Livelihood.FARMING: "Seed, a water pump and a plastic tunnel for vegetables.",
    Livelihood.LIVESTOCK: "Four goats, a shed and fodder for the first season.",
}
NARRATIVES = [
    "The agent took the passport. Wages were not paid for seven months, and there was no money for the way home.",
    "Left the employer after being locked in. Slept at the embassy’s shelter for three weeks.",
    "Promised work in a hotel; it was something else. Came home with the help of a neighbour.",
    "The contract ended and the company closed. Waited four months for the ticket.",
]
