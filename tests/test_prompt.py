"""Prompts, prefills, and what a response splits into."""

from dataclasses import replace

import pytest

from r1lite.models.tiny import CHAT_TEMPLATE, build_tokenizer
from r1lite.prompt import PLAIN_TEMPLATE, Prompter, end_token
from r1lite.text.response import last_answer, parse, respond
from r1lite.types import Problem, Response

TOKENIZER = build_tokenizer()
PROBLEM = Problem(id="p", prompt="1+1 mod 31", answer="2")
WELL = "<think>1+1=2</think><answer>2</answer>"


def templated(template: str | None):
    tokenizer = build_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


def test_a_well_formed_response_splits_into_thought_and_answer() -> None:
    assert parse(WELL) == Response(thought="1+1=2", answer="2")
    assert parse("\n<think>\n a\nb \n</think>\n\n<answer> 2 </answer>\n") == Response(thought="a\nb", answer="2")
    assert parse(respond(Response(thought="1+1=2", answer="2"))) == Response(thought="1+1=2", answer="2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "<answer>2</answer>",
        "<think>1+1=2</think>",
        "<think></think><answer>2</answer>",
        "<think> \n </think><answer>2</answer>",
        "<think>1+1=2</think><answer> </answer>",
        WELL + "more",
        "more" + WELL,
        "<think>1+1=2</think> so <answer>2</answer>",
        WELL + "<answer>3</answer>",
        WELL + WELL,
        "<answer>2</answer><think>1+1=2</think>",
        "<think>a<think>b</think></think><answer>2</answer>",
        "<think>a<answer>2</answer></think>",
        "<think>a<answer>2</think></answer>",
        "<think>a</think><answer>2<think></answer>",
        "<think>1+1=2</think><answer>2",
        "<THINK>1+1=2</THINK><answer>2</answer>",
        "<think >1+1=2</think><answer>2</answer>",
    ],
)
def test_anything_else_does_not_parse(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (WELL, "2"),
        ("<answer>2</answer>", "2"),
        ("1+1=2</think><answer>2</answer>", "2"),  # the template wrote the opening tag
        ("<think>a</think><answer>2</answer> and then some", "2"),
        ("<think>a</think><answer>2</answer><answer>3</answer>", "3"),
        ("<think>a</think><answer>1<answer>2</answer>", "2"),
        ("<think>a</think><answer></answer>", ""),
        ("<think><answer>1</answer></think><answer>2</answer>", "2"),
        ("<think>a</think><answer>2</answer></think>", None),
        ("<think><answer>1</answer></think>2", None),
        ("<think>perhaps <answer>2</answer> or not", None),
        ("<think>a</think><answer>2</answer><answer>3", None),
        ("<think>a</think><answer>2", None),
        ("<think>a</think></answer>2<answer>", None),
        ("2", None),
        ("", None),
    ],
)
def test_the_last_answer_after_the_thought(text: str, answer: str | None) -> None:
    assert last_answer(text) == answer


def test_the_chat_template_renders_prompts() -> None:
    prompter = Prompter(tokenizer=TOKENIZER)
    assert prompter.text(PROBLEM) == "<|user|>1+1 mod 31<|assistant|>"
    ids = prompter.ids(PROBLEM)
    assert TOKENIZER.decode(ids) == "<|user|>1+1 mod 31<|assistant|>"
    assert len(ids) == 2 + len("1+1 mod 31")


def test_a_system_message_and_a_prefill_stand_where_they_belong() -> None:
    prompter = Prompter(tokenizer=TOKENIZER, system="Be brief.", prefill="<think>\n")
    assert prompter.text(PROBLEM) == "<|system|>Be brief.<|user|>1+1 mod 31<|assistant|><think>\n"
    assert prompter.response_prefix(PROBLEM) == "<think>\n"


def test_there_is_one_system_message_also_where_a_problem_has_its_own() -> None:
    own = Problem(id="p", prompt=({"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2"}))
    asked = [dict(m) for m in Prompter(tokenizer=build_tokenizer(), system="Think.").messages(own)]
    assert asked == [{"role": "system", "content": "Think.\n\nBe brief."}, {"role": "user", "content": "2+2"}]
    assert Prompter(tokenizer=build_tokenizer()).messages(own) == list(own.prompt)


def test_a_prompt_of_messages_keeps_only_the_answers_of_earlier_turns() -> None:
    turns = [("user", "1+1"), ("assistant", "<think>easy</think><answer>2</answer>"), ("user", "and 2+2?")]
    asked = replace(PROBLEM, prompt=tuple({"role": role, "content": content} for role, content in turns))
    assert Prompter(tokenizer=TOKENIZER).text(asked) == "<|user|>1+1<|assistant|><answer>2</answer><|end|><|user|>and 2+2?<|assistant|>"


def test_without_a_chat_template_there_is_a_plain_one() -> None:
    prompter = Prompter(tokenizer=templated(None), system="Be brief.", prefill="<think>")
    braces = replace(PROBLEM, prompt="what is {prompt} in {x}?")
    assert prompter.text(braces) == PLAIN_TEMPLATE.removesuffix("{prompt}\nAssistant:") + (
        "Be brief.\n\nwhat is {prompt} in {x}?\nAssistant:<think>"
    )
    assert prompter.response_prefix(braces) == "<think>"  # the tags that the template speaks of open nothing
    assert Prompter(tokenizer=templated(None)).response_prefix(PROBLEM) == ""


def test_a_template_may_open_the_thought_itself() -> None:
    opening = templated(CHAT_TEMPLATE.replace("'<|assistant|>'", "'<|assistant|><think>\n'"))
    assert Prompter(tokenizer=opening).response_prefix(PROBLEM) == "<think>\n"
    assert Prompter(tokenizer=opening, prefill="First, ").response_prefix(PROBLEM) == "<think>\nFirst, "
    assert Prompter(tokenizer=TOKENIZER).response_prefix(PROBLEM) == ""


def test_a_prompt_that_speaks_of_tags_opens_nothing() -> None:
    assert Prompter(tokenizer=TOKENIZER).response_prefix(replace(PROBLEM, prompt="what is <think>")) == ""


def test_only_the_plain_template_leaves_special_tokens_to_the_tokenizer() -> None:
    from tokenizers.processors import TemplateProcessing

    end = end_token(TOKENIZER)
    for template, extra in ((CHAT_TEMPLATE, ()), (None, (end,))):
        tokenizer = templated(template)
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<|end|> $A", special_tokens=[("<|end|>", end)])
        prompter = Prompter(tokenizer=tokenizer)
        assert prompter.ids(PROBLEM) == (*extra, *tokenizer(prompter.text(PROBLEM), add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize(
    ("template", "system", "says"),
    [
        ("{{ messages[0]['content'] }", "", r"the chat template of .* cannot render a question: .*\. Fix chat_template\.jinja"),
        ("{{ messages[0]['content'] | upper_case }}", "", "cannot render a question: No filter named 'upper_case'"),
        (
            "{{ raise_exception('System role not supported') }}",
            "Be brief.",
            "cannot render prompt.system='Be brief.' and a question: System role",
        ),
        ("{{ messages + 1 }}", "", "cannot render a question: can only concatenate list"),
        ("<|user|>{{ messages[0].text }}<|assistant|>", "", "leaves out the user's message"),
        ("<|user|>{{ messages[-1]['content'] }}", "Be brief.", "leaves out the system message: set prompt.system=''"),
    ],
)
def test_a_chat_template_that_loses_what_is_asked_is_refused(template: str, system: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Prompter(tokenizer=templated(template), system=system).checked()


@pytest.mark.parametrize("template", [CHAT_TEMPLATE, None])
@pytest.mark.parametrize("system", ["", "Be brief.\n"])
def test_a_template_that_passes_everything_on_is_taken(template: str | None, system: str) -> None:
    prompter = Prompter(tokenizer=templated(template), system=system)
    assert prompter.checked() is prompter


def test_a_completion_ends_with_the_end_token() -> None:
    ids = Prompter(tokenizer=TOKENIZER).completion_ids(WELL)
    assert ids[-1] == TOKENIZER.eos_token_id
    assert TOKENIZER.decode(ids) == WELL + "<|end|>"
    assert len(ids) == 4 + len("1+1=2") + len("2") + 1  # one token a tag, one a byte, and the end


def test_a_tokenizer_without_an_end_token_is_refused() -> None:
    tokenizer = build_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="has no end token"):
        end_token(tokenizer)
