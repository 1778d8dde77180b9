"""§1.1 Information: −log₂ p bits in the news of an event of probability p."""

import math

from scratchvae.homework.sheets.question import (
    NATS,
    SIGN,
    Draw,
    Question,
    Text,
    blank,
    choice,
    given,
    shown,
    template,
)
from scratchvae.info import information

LN2 = math.log(2)


@template("1.1", minutes=4)
def halvings(draw: Draw) -> Question:
    """A message that leaves a part of the cases; and an event with a probability."""
    before = draw.whole(4, 12)
    after = draw.whole(1, before - 2)
    p = draw.number(0.03, 0.97)
    cases, left = 2**before, 2**after
    return Question(
        Text(
            f"(a) A lost key is in one of {cases} boxes, all equally probable. Somebody says a "
            f"true sentence after which {left} boxes are left. How many bits does it carry? (b) In "
            f"another town, snow had the probability {given(p)}. How many bits does the news "
            "carry that it snows?",
            f"(a) 잃어버린 열쇠가 상자 {cases}개 중 하나에 있고, 확률은 모두 같다. 누가 참말을 "
            f"했더니 상자가 {left}개 남았다. 이 말의 정보량은 몇 비트인가? (b) 다른 도시에서 눈이 "
            f"올 확률은 {given(p)}이었다. 눈이 온다는 소식의 정보량은 몇 비트인가?",
        ),
        (
            blank(
                Text("sentence", "그 말"), information(left / cases), "bit",
                wrong={NATS: (before - after) * LN2, SIGN: after - before},
            ),
            blank(Text("news", "소식"), information(p), "bit",
                  wrong={NATS: -math.log(p), SIGN: math.log2(p)}),
        ),
        steps=(
            f"−log₂ ({left} / {cases}) = {before} − {after} = {before - after}",
            f"−log₂ {given(p)} = {shown(information(p))}",
        ),
        room=2,
    )  # fmt: skip


@template("1.1", minutes=5)
def weather_table(draw: Draw) -> Question:
    """The information of each of four forecasts; the rarest tells most."""
    p = draw.split(4, 50, 2)
    bits = information(p)
    rarest = "ABCD"[p.index(min(p))]
    cells = [
        blank("", b, "bit", wrong={NATS: -math.log(x), SIGN: math.log2(x)}) for x, b in zip(p, bits)
    ]
    return Question(
        Text(
            "Four kinds of weather have the probabilities in the table. Fill in the information "
            "of each forecast. Which one tells most?",
            "네 가지 날씨의 확률이 표와 같다. 각 예보의 정보량을 채워라. 정보량이 가장 많은 것은?",
        ),
        (choice(Text("tells most", "가장 많은 것"), rarest, "ABCD"),),
        table=(
            (Text("weather", "날씨"), *"ABCD"),
            ("p", *map(given, p)),
            (Text("bits", "비트"), *cells),
        ),
        steps=tuple(f"−log₂ {given(x)} = {shown(b)}" for x, b in zip(p, bits)),
        room=1,
    )


@template("1.1", minutes=5)
def two_events(draw: Draw) -> Question:
    """The information of two independent events adds up."""
    p, q = draw.number(0.05, 0.95), draw.number(0.05, 0.95)
    a, b = information(p), information(q)
    return Question(
        Text(
            f"Rain has the probability {given(p)}, a late train {given(q)}; the two are "
            "independent. How many bits does the news carry that it rains, that the train is "
            "late, and that both happen? Why do we add where the probabilities multiply?",
            f"비가 올 확률은 {given(p)}, 기차가 늦을 확률은 {given(q)}이고 서로 독립이다. 비가 "
            "온다는 소식, 기차가 늦는다는 소식, 둘 다라는 소식은 각각 몇 비트인가? 확률은 "
            "곱하는데 정보량은 왜 더하는가?",
        ),
        (
            blank(Text("rain", "비"), a, "bit", wrong={NATS: a * LN2, SIGN: -a}),
            blank(Text("train", "기차"), b, "bit", wrong={NATS: b * LN2, SIGN: -b}),
            blank(Text("both", "둘 다"), information(p * q), "bit",
                  follows=lambda n: n[0] + n[1],
                  wrong={NATS: (a + b) * LN2, Text("multiplied", "곱했다"): a * b}),
        ),
        steps=(
            f"−log₂ {given(p)} = {shown(a)}",
            f"−log₂ {given(q)} = {shown(b)}",
            f"−log₂ ({given(p)} · {given(q)}) = {shown(a)} + {shown(b)} = {shown(a + b)}",
        ),
        words=Text("The log of a product is the sum of the logs.",
                   "곱의 로그는 로그의 합이기 때문이다."),
        words_points=1,
        room=3,
    )  # fmt: skip


@template("1.1", minutes=5)
def uncertainty_halved(draw: Draw) -> Question:
    """A sentence of the notes to be corrected: uncertainty falls by 1 bit, and is not halved."""
    n = 2 * draw.whole(3, 5000)
    before, after = information(1 / n), information(2 / n)
    return Question(
        Text(
            'The notes say: "news that lowers the uncertainty by the factor 2 carries 1 bit." '
            f"There are {n} equally probable cases, and news leaves {n // 2} of them. Compute the "
            "uncertainty in bits before and after, and write the correct sentence in words.",
            '노트에는 "원래의 불확실성을 2배로 낮추는 새 정보는 1비트"라고 되어 있다. 확률이 같은 '
            f"{n}가지 경우가 있고, 새 정보를 들은 뒤 {n // 2}가지가 남았다. 전과 후의 불확실성을 "
            "비트로 구하고, 바르게 고친 문장을 글로 써라.",
        ),
        (
            blank(Text("before", "전"), before, "bit", wrong={NATS: before * LN2}),
            blank(Text("after", "후"), after, "bit", follows=lambda n: n[0] - 1,
                  wrong={NATS: after * LN2, Text("halved", "절반으로 나누었다"): before / 2}),
        ),
        steps=(f"log₂ {n} = {shown(before)}", f"log₂ {n // 2} = {shown(after)}"),
        words=Text(
            "(1) News carries 1 bit when it halves the number of equally probable cases. (2) "
            "Measured in bits, the uncertainty falls by 1.",
            "(1) 확률이 같은 경우의 수를 절반으로 줄이는 정보가 1비트이다. (2) 비트로 잰 "
            "불확실성은 1만큼 줄어든다.",
        ),
        room=3,
    )  # fmt: skip


@template("1.1", minutes=4)
def said_twice(draw: Draw) -> Question:
    """A repetition carries nothing; a correction of an error does."""
    p = draw.number(0.06, 0.94)
    q = draw.number(0.06, 0.94)
    a, b = information(p), information(q)
    return Question(
        Text(
            f"A message says that event A happened; its probability was {given(p)}. A second "
            "message says the same in other words. A third says that B happened, which had the "
            f"probability {given(q)}, whatever A does. How many bits does each carry, and all "
            "three together?",
            f"확률이 {given(p)}이던 사건 A가 일어났다는 메시지가 왔다. 두 번째 메시지는 같은 "
            f"내용을 다른 말로 전한다. 세 번째는 A와 독립이고 확률이 {given(q)}이던 B가 "
            "일어났다고 전한다. 각각 몇 비트이고, 셋을 합하면 몇 비트인가?",
        ),
        (
            blank(Text("message 1", "첫째"), a, "bit", wrong={NATS: a * LN2, SIGN: -a}),
            blank(Text("message 2", "둘째"), information(1.0), "bit",
                  wrong={Text("a repetition is counted", "되풀이를 세었다"): a}),
            blank(Text("message 3", "셋째"), b, "bit", wrong={NATS: b * LN2, SIGN: -b}),
            blank(Text("together", "합"), a + b, "bit", follows=lambda n: n[0] + n[1] + n[2],
                  wrong={Text("a repetition is counted", "되풀이를 세었다"): 2 * a + b}),
        ),
        steps=(
            f"−log₂ {given(p)} = {shown(a)}",
            "−log₂ 1 = 0",
            f"−log₂ {given(q)} = {shown(b)}",
            f"{shown(a)} + 0 + {shown(b)} = {shown(a + b)}",
        ),
        room=2,
    )  # fmt: skip
