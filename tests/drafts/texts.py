"""Letters with labels: honest ones, and the same kind of letter with one planted untruth.

Each stands beside the facts it was written from. The label says what was planted; nobody ran the rules while the
letters were written.
"""

from dataclasses import dataclass
from typing import Literal

from mendflow.connectors.contract import JsonObject

Kind = Literal[
    "honest",
    "changed number",
    "changed date",
    "another name",
    "invented discount",
    "invented deadline",
    "unit swapped",
    "percent for points",
    "total for single",
    "other customer's value",
]


@dataclass(frozen=True, slots=True)
class Letter:
    """One labelled letter."""

    kind: Kind
    facts: JsonObject
    text: str


ANN: JsonObject = {
    "customer": {
        "first_name": "Ann",
        "last_name": "Smith",
        "email": "ann.smith@example.org",
        "balance_credits": 120,
        "total_spent_eur": 214.5,
        "last_purchase_eur": 29.33,
        "last_visit": "2026-01-18",
        "visits": 7,
    },
    "shop": {"name": "Groove Palace", "city": "Utrecht", "link": "https://groove.example/ann"},
}
BEN: JsonObject = {
    "member": {"name": "Ben de Vries", "points": 45, "joined": "2024-03-02", "favourite": "Kind of Blue"},
    "perk": {"title": "Free Coffee", "needed_points": 40, "valid_until": "2026-12-31"},
    "shop": {"name": "House of Vinyl", "phone": "+31 30 123 4567"},
}
CAT: JsonObject = {
    "customer": {"name": "Catalina Ruiz", "orders": 3, "member_since": "2023-11-05"},
    "offer": {"discount_percent": 15, "code": "SPRING15", "ends_on": "2026-04-05"},
    "purchases": [
        {"date": "2025-10-01", "title": "Blue Train", "amount_usd": 21.0},
        {"date": "2025-11-14", "title": "Moanin'", "amount_usd": 18.5},
        {"date": "2025-12-20", "title": "Head Hunters", "amount_usd": 24.75},
    ],
}
DEE: JsonObject = {
    "customer": {"first_name": "Dee", "stamps": 9, "stamps_for_reward": 10, "visits_this_year": 9},
    "reward": {"name": "Mystery Single", "value_eur": 7.5},
    "shop": {"name": "Needle & Groove", "opening_hours": "until 18:00, on Thursday until 21:00"},
}
KIM: JsonObject = {
    "kunde": {"vorname": "Kim", "punkte": 80, "letzter_besuch": "2026-02-11"},
    "laden": {"name": "Plattenkiste Nord", "ort": "Bremen"},
}

_HONEST: tuple[tuple[JsonObject, str], ...] = (
    (ANN, "Hello Ann,\nyou have 120 credits waiting. Your last visit was on 18 January 2026.\nGroove Palace"),
    (ANN, "Dear Ann Smith, thank you for 7 visits to Groove Palace in Utrecht."),
    (ANN, "Hi Ann! Your last purchase came to €29.33, and we hope you still enjoy it."),
    (ANN, "You have spent €214.50 in total with us since your first visit. Thank you!"),
    (ANN, "Hello again! We kept your place by the listening booth. Feel free to drop by today."),
    (
        ANN,
        "Dear customer, on your last visit (January 18) you left with a smile. Come and collect your 120 credits.",
    ),
    (ANN, "Good morning Ann, see https://groove.example/ann for what your 120 credits can do."),
    (
        ANN,
        "Hello! New records have come in since, and we would love to see you again. No rush, no strings attached.",
    ),
    (
        ANN,
        "Hey Ann, seven visits already. Is it too soon to call you a regular? Happy New Year from all of us.",
    ),
    (ANN, "We Miss You At The Listening Booth"),
    (BEN, "Dear Ben,\nwith 45 points you can have a free coffee. It is valid until 31 December 2026."),
    (BEN, 'Hello Ben de Vries, your perk "Free Coffee" is ready: it needs 40 points and you have 45.'),
    (BEN, "Hi Ben, you joined us in March 2024, and your favourite still turns on our player: Kind of Blue."),
    (BEN, "Call House of Vinyl on +31 30 123 4567, Ben, and we will put a copy aside."),
    (BEN, "Welcome back, Ben! You joined on 2 March 2024. The coffee is on us."),
    (
        BEN,
        "Hello Ben, the gift of music needs no reason. Come by on Monday or Tuesday and listen for an hour.",
    ),
    (BEN, "Dear friend, the kettle is on at House of Vinyl. We saved a seat by the window for you."),
    (CAT, "Hello Catalina, take 15% off your next order with the code SPRING15, until 5 April 2026."),
    (
        CAT,
        'Dear Catalina Ruiz, you bought "Blue Train" on 1 October 2025 for $21.00. How does it sound today?',
    ),
    (CAT, "Hi Catalina! Three orders so far: Blue Train, Moanin' and Head Hunters. Great taste."),
    (CAT, "A discount of 15 percent waits for you. It ends on Sunday, 5 April."),
    (
        CAT,
        "Hello Catalina, your latest purchase was $24.75, on December 20. Does it still sound new?",
    ),
    (CAT, "You have been a member since 2023. Head Hunters was a fine way to end the year, Catalina."),
    (CAT, "Dear Ms Ruiz, your three records left our shelf on 1 October, 14 November and 20 December 2025."),
    (DEE, "Hi Dee, you have 9 stamps of 10. One more visit and the Mystery Single is yours."),
    (DEE, "Hello Dee! Nine visits this year. Your reward, the Mystery Single, is worth €7.50."),
    (DEE, "Dear Dee, on Thursday we are open until 21:00, so bring your nine stamps after work."),
    (DEE, "Hi there! We are open until 18:00, on Thursday until 21:00. Needle & Groove says hello."),
    (
        DEE,
        "Hello Dee, if you like jazz, ask Sam at the counter. He has put some French and English pressings aside.",
    ),
    (DEE, "Subject to the usual Terms and Conditions, your card of 10 stamps earns a Mystery Single, Dee."),
    (
        KIM,
        "Hallo Kim, auf Ihrem Konto liegen 80 Punkte. Wir freuen uns auf Ihren Besuch in der Plattenkiste Nord.",
    ),
    (
        KIM,
        "Liebe Kim, seit dem 11.02.2026 haben wir Sie nicht gesehen. Neue Platten und Guter Kaffee warten.",
    ),
    (KIM, "Liebe Kundin, die Plattenkiste Nord in Bremen hat neue Schallplatten für Sie. Mit besten Grüßen"),
    (
        ANN,
        "Hello Ann, it has been a while. What have you been listening to? Write back, we read every letter.",
    ),
    (BEN, "Hello Ben,\nthank you for being with us.\nKind regards,\nHouse of Vinyl"),
    (CAT, "Hi Catalina, sale or no sale, we like it when you come in. Your code is SPRING15."),
    (DEE, "Good evening Dee, one stamp is all that is missing. We play records all evening, free of charge."),
    (ANN, "Hi Ann, you can also reply to ann.smith@example.org, the address that we have of you."),
)

_UNTRUE: tuple[tuple[Kind, JsonObject, str], ...] = (
    ("changed number", ANN, "Hello Ann, you have 210 credits waiting at Groove Palace."),
    ("changed number", ANN, "Hi Ann! Your last purchase came to €29.83, and we hope you still enjoy it."),
    ("changed number", BEN, "Dear Ben, with fifty-four points you can have a free coffee."),
    ("changed number", CAT, "Hello Catalina, take 25% off your next order with the code SPRING15."),
    ("changed number", DEE, "Hi Dee, you have 8 stamps of 10. The Mystery Single is near."),
    ("changed number", KIM, "Hallo Kim, auf Ihrem Konto liegen 90 Punkte."),
    ("changed date", ANN, "Hello Ann, your last visit was on 19 January 2026."),
    ("changed date", BEN, "Hi Ben, your coffee is valid until 30 November 2026."),
    ("changed date", CAT, "You have been a member since 2021, Catalina."),
    ("changed date", CAT, "Dear Catalina, your offer ends on Saturday, and your code is SPRING15."),
    ("changed date", DEE, "Dear Dee, on Friday we are open until 22:00."),
    ("changed date", KIM, "Liebe Kim, seit dem 12.02.2026 haben wir Sie nicht gesehen."),
    ("another name", ANN, "Hello Anna,\nyou have 120 credits waiting."),
    ("another name", ANN, "Dear Ann Jones, thank you for 7 visits."),
    ("another name", ANN, "Hi Ann, everyone here at Vinyl Corner misses you."),
    ("another name", BEN, 'Hello Ben, your perk "Free Lunch" is ready: it needs 40 points.'),
    ("another name", CAT, 'Dear Catalina, you bought "Giant Steps" on 1 October 2025.'),
    ("another name", DEE, "Hello Dee, your nine stamps are with us.\nKind regards,\nMarta"),
    ("another name", CAT, "Hi Catalina, we hope that Giant still turns on your player."),
    ("invented discount", ANN, "Hello Ann, take 10% off your next record."),
    ("invented discount", ANN, "Hi Ann, this week every record is half price for you."),
    ("invented discount", DEE, "Dear Dee, your next coffee is free. See you soon!"),
    ("invented discount", BEN, "Hello Ben, come in for double points on jazz."),
    ("invented discount", KIM, "Hello Kim, there is a special discount on your card."),
    ("invented discount", ANN, "Dear Ann, buy one, get one, as often as you like."),
    ("invented discount", ANN, "Hello Ann, we will knock a little off the price when you come."),
    ("invented deadline", ANN, "Hello Ann, your 120 credits expire tonight."),
    ("invented deadline", ANN, "Dear Ann, claim your credits by the end of the month."),
    ("invented deadline", BEN, "Hi Ben, your free coffee is yours this week only."),
    ("invented deadline", CAT, "Catalina, this is your last chance to use SPRING15."),
    ("invented deadline", DEE, "Dee, within 24 hours your nine stamps are gone."),
    ("invented deadline", BEN, "Hurry, Ben, your coffee will not wait much longer."),
    ("unit swapped", ANN, "Hello Ann, you have €120 waiting at Groove Palace."),
    ("unit swapped", ANN, "Your last purchase came to $29.33, Ann."),
    ("unit swapped", BEN, "Dear Ben, your 45 euros are waiting for you."),
    ("unit swapped", CAT, 'Dear Catalina, you bought "Blue Train" for 21 euros.'),
    ("unit swapped", DEE, "Hi Dee, the Mystery Single is worth 7.5 points."),
    ("unit swapped", KIM, "Hello Kim, you have 80 euros on your card."),
    ("percent for points", ANN, "Hello Ann, 120% of a thank-you is waiting for you."),
    ("percent for points", BEN, "Dear Ben, take 45% off with your card."),
    ("percent for points", CAT, "Hello Catalina, SPRING15 brings you 15 points."),
    ("percent for points", DEE, "Hi Dee, 9 percent are yours already."),
    ("total for single", ANN, "Hi Ann, you have spent €29.33 in total with us."),
    ("total for single", ANN, "Your last purchase came to €214.50, Ann. Thank you!"),
    ("total for single", CAT, "Dear Catalina, altogether $24.75 went over our counter."),
    ("total for single", CAT, "Hello Catalina, you spent $21.00 overall."),
    ("total for single", ANN, "Ann, each of your visits was worth €214.50 to us."),
    ("other customer's value", ANN, "Hello Ann, you have 45 credits waiting."),
    ("other customer's value", BEN, "Dear Ben, your last visit was on 18 January 2026."),
    ("other customer's value", CAT, "Hello Catalina Smith, your code is SPRING15."),
    ("other customer's value", DEE, "Hi Dee, we will write to ann.smith@example.org as agreed."),
    ("other customer's value", ANN, "Hello Ann, we will call you on +31 30 123 4567."),
    (
        "other customer's value",
        {**ANN, "others": [{"name": "Ben", "credits": 45}]},
        "Hello Ann, you have 45 credits.",
    ),
)

SPA: JsonObject = {
    "guest": {"given_name": "Olga", "family_name": "Brandt", "loyalty_points": 340, "stays": 4},
    "hotel": {"name": "Seeblick Inn", "checkout": "11:00", "booking_link": "https://seeblick.example/book"},
    "last_stay": {"from": "2025-08-14", "nights": 3, "paid_eur": 412.0},
    "programme": {"silver_from_points": 300, "gold_from_points": 500},
}
BIKE: JsonObject = {
    "rider": {"name": "Tomás Ferreira", "email": "tomas@example.org", "repairs": 2, "spent_total_usd": 286.4},
    "bike": {"model": "Gravel King 2", "bought_on": "2024-05-17", "warranty_until": "2026-05-17"},
    "coupon": {"code": "TUNEUP20", "discount_percent": 20, "expires": "2026-04-30"},
    "workshop": {"name": "Spoke and Chain", "phone": "555-014-7788", "next_free_slot": "Thursday at 14:30"},
}
TEA: JsonObject = {
    "member": {"first_name": "Yuki", "stamps": 6, "stamps_needed": 8},
    "orders": [
        {"date": "2026-01-05", "tea": "Gyokuro Asahi", "grams": 100, "price_gbp": 18.9},
        {"date": "2026-02-02", "tea": "Hojicha", "grams": 250, "price_gbp": 12.4},
    ],
    "reward": {"title": "Free Tin", "stamps_needed": 8},
}

_HELD_HONEST: tuple[tuple[JsonObject, str], ...] = (
    (SPA, "Dear Olga Brandt,\nyour 340 points make you a Silver guest. Gold begins at 500 points."),
    (SPA, "Hello Olga, you stayed three nights with us from 14 August 2025. The lake has not moved."),
    (SPA, "Four stays already! Book the next one at https://seeblick.example/book whenever you like."),
    (SPA, "Good afternoon Olga, checkout at Seeblick Inn is at 11:00, and breakfast is never rushed."),
    (SPA, "Your last stay came to €412.00. With 340 points you are well above the 300 of Silver."),
    (
        SPA,
        "Dear Ms Brandt, August suits the lake, but so does October. Would you like to see it in autumn colours?",
    ),
    (
        SPA,
        "Hi Olga! If you tell us which room you liked, we will try to keep it for you. Feel free to just reply.",
    ),
    (BIKE, "Hi Tomás, use TUNEUP20 for 20% off your next service. The code expires on 30 April 2026."),
    (
        BIKE,
        "Hello Tomás, your Gravel King 2 is under warranty until 17 May 2026, so bring it in if it creaks.",
    ),
    (
        BIKE,
        "You bought your bike in May 2024 and have been here for two repairs since. In all, you spent $286.40.",
    ),
    (BIKE, "Spoke and Chain has a slot on Thursday at 14:30. Call 555-014-7788 and it is yours, Tomás."),
    (
        BIKE,
        "Hey Tomás, spring is coming, and so is the mud. We will clean the chain while you drink a coffee.",
    ),
    (
        BIKE,
        "Dear rider, a well-kept bike is a quiet bike. Come round, we look at it for as long as it takes.",
    ),
    (
        BIKE,
        "Hello Tomás, we write to tomas@example.org because you asked us to. Tell us if that has changed.",
    ),
    (TEA, "Hello Yuki, you have six stamps. At eight, the Free Tin is yours."),
    (TEA, "Dear Yuki, how was the Gyokuro Asahi of 5 January? It was 100 grams, so it may be gone by now."),
    (TEA, "Hi Yuki! Your latest order was Hojicha, 250 grams for £12.40. Roasted tea suits February."),
    (TEA, "Two more visits, Yuki, or simply one long afternoon with a pot of tea. We are glad either way."),
    (TEA, "Yuki, thank you for both orders this year. We have a new harvest from Uji that you may like."),
    (TEA, "Good evening Yuki, the kettle sings, the rain falls, and Hojicha waits on the second shelf."),
)
_HELD_UNTRUE: tuple[tuple[Kind, JsonObject, str], ...] = (
    ("changed number", SPA, "Dear Olga, your 430 points make you a Silver guest."),
    ("changed number", BIKE, "You have been here for three repairs, Tomás, and spent $286.40."),
    ("changed number", TEA, "Hello Yuki, you have seven stamps of eight."),
    ("changed date", SPA, "Hello Olga, you stayed with us from 15 August 2025."),
    ("changed date", BIKE, "Your Gravel King 2 is under warranty until June 2026."),
    ("changed date", BIKE, "Spoke and Chain has a slot on Friday at 14:30."),
    ("another name", SPA, "Dear Helga Brandt, your 340 points make you a Silver guest."),
    ("another name", BIKE, "Hi Tomás, everyone at Wheel House says hello."),
    ("another name", TEA, "Hi Yuki! Your latest order was Genmaicha, and we hope you like it."),
    ("another name", SPA, "Hello Olga, see you at the lake.\nBest wishes,\nFritz"),
    ("invented discount", SPA, "Olga, the fourth night is on the house."),
    ("invented discount", TEA, "Hello Yuki, take two tins for the price of one."),
    ("invented discount", BIKE, "Hi Tomás, we will waive the fee for the next inspection."),
    ("invented deadline", SPA, "Book by Sunday, Olga, and the room is yours."),
    ("invented deadline", TEA, "Hello Yuki, your six stamps expire at the end of the month."),
    ("invented deadline", BIKE, "Tomás, only a few days are left to bring the bike in."),
    ("unit swapped", SPA, "Olga, €340 are waiting on your account."),
    ("unit swapped", SPA, "Your last stay came to $412, Olga."),
    ("unit swapped", TEA, "Your latest order was 12.4 grams of Hojicha."),
    ("percent for points", SPA, "Olga, take 4% off for being a guest of ours."),
    ("percent for points", BIKE, "TUNEUP20 brings you 20 points, Tomás."),
    ("total for single", BIKE, "Tomás, each repair came to $286.40."),
    ("total for single", TEA, "Yuki, you spent £18.90 in all with us."),
    ("total for single", BIKE, "Hello Tomás, your last repair cost you $286.40."),
    ("other customer's value", SPA, "Dear Olga, use TUNEUP20 when you book."),
    ("other customer's value", TEA, "Hello Yuki, your 340 points are waiting."),
    ("other customer's value", BIKE, "Hi Tomás Brandt, your bike is under warranty."),
)

HELD_OUT: tuple[Letter, ...] = (
    *(Letter("honest", facts, text) for facts, text in _HELD_HONEST),
    *(Letter(kind, facts, text) for kind, facts, text in _HELD_UNTRUE),
)
"""Written once the rules were done, about other shops; no rule was changed after they were first run over these."""
LETTERS: tuple[Letter, ...] = (
    *(Letter("honest", facts, text) for facts, text in _HONEST),
    *(Letter(kind, facts, text) for kind, facts, text in _UNTRUE),
)
