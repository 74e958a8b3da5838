"""What is kept to learn from."""

from r1lite.prompt import respond
from r1lite.quality import keep_best, loops, readable
from r1lite.types import Finish, Problem, Response, Rollout, Scored


def scored(thought: str, *, reward: float = 1.0, problem: str = "p", tokens: int = 3, finish: Finish = "stop", text: str = "") -> Scored:
    text = text or respond(Response(thought=thought, answer="2"))
    ids = tuple(range(tokens))
    rollout = Rollout(problem_id=problem, index=0, prompt_ids=(), token_ids=ids, logprobs=(), text=text, finish=finish)
    return Scored(problem=Problem(id=problem, prompt="?"), rollout=rollout, reward=reward, right=reward >= 1, verdicts={})


def thoughts(kept: list[Scored]) -> list[str]:
    return [s.rollout.text.removeprefix("<think>").split("</think>")[0] for s in kept]


def test_readable_is_finished_well_formed_and_unbroken() -> None:
    assert readable(scored("1+1=2"))
    assert not readable(scored("1+1=2", finish="length"))
    assert not readable(scored("", text="<answer>2</answer>"))
    assert not readable(scored("1+1=\ufffd"))
    assert not readable(scored(" ".join(["so on"] * 40)))


def test_a_loop_is_a_run_of_eight_words_for_the_fourth_time() -> None:
    eight = "a b c d e f g h "
    assert not loops(eight * 3)
    assert loops(eight * 4)
    assert loops("first of all " + "well " * 11)  # four runs of eight
    assert not loops("well " * 10)
    assert not loops("a b c d e f g " + " ".join(map(str, range(400))))
    assert not loops("")


def test_the_best_come_first_and_then_the_shortest() -> None:
    group = [scored("long", tokens=9), scored("good", reward=1.1, tokens=9), scored("short", tokens=2), scored("wrong", reward=0.9)]
    assert thoughts(keep_best([group], per_prompt=3)) == ["good", "short", "long"]
    assert thoughts(keep_best([group], per_prompt=1)) == ["good"]


def test_the_same_response_is_kept_once_a_prompt() -> None:
    group = [scored("a  b"), scored("a b"), scored("a\nb"), scored("c", tokens=5)]
    assert thoughts(keep_best([group], per_prompt=4)) == ["a  b", "c"]
    other = [scored("a b", problem="q")]
    assert thoughts(keep_best([group, other], per_prompt=4)) == ["a  b", "c", "a b"]


def test_a_prompt_that_comes_twice_shares_its_places() -> None:
    groups = [[scored("a")], [scored("b", problem="q")], [scored("c"), scored("a")]]
    assert thoughts(keep_best(groups, per_prompt=1)) == ["a", "b"]
    assert thoughts(keep_best(groups, per_prompt=2)) == ["a", "c", "b"]


def test_only_what_is_readable_is_kept() -> None:
    group = [scored("a", finish="length"), scored("", text="<answer>2</answer>"), scored("b")]
    assert thoughts(keep_best([group], per_prompt=3)) == ["b"]
