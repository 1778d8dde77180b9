"""What the book says around its texts, in both languages: labels, buttons, lists."""

from typing import Any

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "book": "scratchvae, the book", "contents": "Contents", "other": "한국어",
        "part 1": "Part I: the notes, section by section",
        "part 2": "Part II: the source, file by file",
        "eight": "Read these eight", "rest": "The rest", "more": "Tables",
        "equations": "From equation to function", "symbols": "Symbols", "tests page": "Tests",
        "demos": "Demos", "pages": "pages",
        "skip": "to the text", "code": "The function", "run": "A run, made with this book",
        "tests": "The tests that attack it", "other tests": "and {} more",
        "exercise": "Homework exercise", "points": "{} points",
        "fold": "The result", "question": "Before you go on:", "picture": "The picture",
        "print": "prints", "full": "in full size", "notebook": "as a notebook",
        "before": "Previous", "after": "Next", "printed": "The notes on one page, for printing",
        "signs": "Symbols of this page", "licence": "Licence", "repository": "The repository",
        "glossary": ("English", "Korean", "symbol", "name in the code"),
        "errata": ("section", "in the notes", "should be"),
    },
    "ko": {
        "book": "scratchvae 교재", "contents": "차례", "other": "English",
        "part 1": "1부: 강의 노트(절 순서)",
        "part 2": "2부: 소스 코드, 파일별 (영어)",
        "eight": "먼저 읽을 여덟 파일", "rest": "나머지", "more": "표",
        "equations": "식에서 함수로 (영어)", "symbols": "기호 (영어)",
        "tests page": "테스트 (영어)",
        "demos": "데모 (영어)", "pages": "쪽",
        "skip": "본문으로", "code": "이 식을 구현한 함수", "run": "이 교재를 만들면서 실행한 결과",
        "tests": "이 함수를 검증하는 테스트", "other tests": "나머지 {}개",
        "exercise": "과제", "points": "{}점",
        "fold": "답과 결과", "question": "넘어가기 전에:", "picture": "그림",
        "print": "출력", "full": "원래 크기로", "notebook": "노트북 파일",
        "before": "이전", "after": "다음", "printed": "인쇄용: 노트 전체를 한 쪽으로",
        "signs": "이 쪽의 기호", "licence": "라이선스", "repository": "저장소",
        "glossary": ("영어", "한국어", "기호", "코드에서의 이름"),
        "errata": ("절", "노트에 적힌 것", "바른 것"),
    },
}  # fmt: skip
