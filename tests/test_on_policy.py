"""On-policy distillation: what one step compares, and what it refuses to compare."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from r1lite.build import make_sampler
from r1lite.config import Config
from r1lite.data.examples import write_rows
from r1lite.learning import forward as forward_module
from r1lite.learning.batch import as_batch, collate
from r1lite.learning.policy import Policy
from r1lite.models import pretrained
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.models.vocabulary import check_same_opening, check_same_vocabulary, common_width, end_token_warning
from r1lite.prompt import Prompter
from r1lite.teaching.on_policy import Lesson, Teacher, compare, distill_step, written_by_student, written_by_teacher
from r1lite.text.response import respond
from r1lite.types import Problem, Response, Sample

BODIES = [((9, 8, 7), (1, 2, 3, 4)), ((9, 8), (5, 6)), ((3, 3, 3, 3), (7,))]
# The teacher is asked in other words: its prompts are longer, and not by the same amount.
LESSONS = [
    Lesson(student=Sample(prompt_ids=p, token_ids=t), teacher=Sample(prompt_ids=(50,) * (i + 1) + p, token_ids=t))
    for i, (p, t) in enumerate(BODIES)
]


@pytest.fixture
def other(tokenizer: Any, config: Callable[..., Config]) -> Any:
    cfg = config("pretrain.hidden=64", "pretrain.layers=1", "pretrain.heads=2", "pretrain.intermediate=48").pretrain
    built = build_model(cfg, tokenizer, seed=1)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(1.5)
    return built.requires_grad_(False)


def teacher_of(model: Any, tokenizer: Any, width: int = 0) -> Teacher:
    return Teacher(model=model, prompter=Prompter(tokenizer=tokenizer), width=width or model.config.vocab_size)


def alone(model: Any, sample: Sample) -> torch.Tensor:
    """[T, V] log-probs of one sequence, by itself."""
    logits = model(torch.tensor([sample.prompt_ids + sample.token_ids])).logits[0]
    return torch.log_softmax(logits[len(sample.prompt_ids) - 1 : -1], -1)


def reference(student: Any, teacher: Any, width: int) -> float:
    """The mean reverse KL, sequence by sequence and token by token."""
    total = 0.0
    for lesson in LESSONS:
        mine = torch.log_softmax(alone(student, lesson.student)[:, :width], -1)
        theirs = torch.log_softmax(alone(teacher, lesson.teacher)[:, :width], -1)
        total += float((mine.exp() * (mine - theirs)).sum())
    return total / sum(len(tokens) for _, tokens in BODIES)


@pytest.mark.parametrize("width", [0, 64])
def test_each_token_is_compared_with_the_teachers_own_view_of_it(
    width: int, model: Any, other: Any, tokenizer: Any, config: Callable[..., Config]
) -> None:
    cfg = config("distill.loss=reverse_kl").distill
    policy = Policy(model, tokenizer, cfg, total_steps=1)
    with torch.no_grad():
        wanted = reference(model, other, width or model.config.vocab_size)
    metrics = distill_step(policy, LESSONS, teacher_of(other, tokenizer, width), cfg)
    assert metrics["loss"] == pytest.approx(wanted, rel=1e-4)
    assert wanted > 0.1
    assert metrics["tokens/trained"] == 7


@pytest.mark.parametrize("budget", [1, 8])
@pytest.mark.parametrize("chunk", [1, 2**20])
def test_neither_micro_batches_nor_chunks_change_anything(
    budget: int, chunk: int, model: Any, other: Any, tokenizer: Any, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(tokens: int) -> tuple[list[float], torch.Tensor]:
        fresh = copy.deepcopy(model)
        cfg = config(f"distill.micro_batch_tokens={tokens}", "distill.loss=jsd", "distill.top_k=5").distill
        policy = Policy(fresh, tokenizer, cfg, total_steps=1)
        policy.optimiser.step = dict  # pyright: ignore[reportAttributeAccessIssue]
        found = distill_step(policy, LESSONS, teacher_of(other, tokenizer), cfg)
        return [found[k] for k in ("loss", "entropy", "agreement")], fresh.model.embed_tokens.weight.grad

    whole, gradient = step(8192)
    monkeypatch.setattr(forward_module, "CHUNK_BYTES", chunk)
    cut, other_gradient = step(budget)
    assert cut == pytest.approx(whole, rel=1e-5)
    assert torch.allclose(gradient, other_gradient, atol=1e-6)
    assert gradient.abs().max() > 1e-3


def test_logits_exist_only_for_a_chunk_of_tokens(
    model: Any, other: Any, tokenizer: Any, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    for head in (model.get_output_embeddings(), other.get_output_embeddings()):
        head.register_forward_hook(lambda module, given, out: rows.append(out.shape[0]))
    width = model.config.vocab_size
    monkeypatch.setattr(forward_module, "CHUNK_BYTES", 3 * 4 * 2 * width)  # three rows of both models' logits
    (batch,) = collate([lesson.student for lesson in LESSONS], micro_batch_tokens=1000)
    theirs = as_batch([LESSONS[i].teacher for i in batch.rows], batch.rows, batch.totals, "cpu")
    apart, entropy, _ = compare(model, batch, teacher_of(other, tokenizer), theirs, config().distill)
    assert rows == [3, 3, 3, 3, 1, 1]
    apart.sum().backward()
    assert max(rows) == 3
    mine = torch.cat([alone(model, LESSONS[i].student) for i in batch.rows])
    assert torch.allclose(entropy, -(mine.exp() * mine).sum(-1), atol=1e-5)


def test_a_model_that_shapes_its_logits_keeps_its_way(other: Any, tokenizer: Any, config: Callable[..., Config]) -> None:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    shaped = Gemma2ForCausalLM(
        Gemma2Config(vocab_size=other.config.vocab_size, head_dim=16, final_logit_softcapping=0.05, attn_implementation="eager", **sizes)
    ).eval()
    trunk_and_head = shaped.lm_head(shaped.model(torch.tensor([[1, 2]])).last_hidden_state)
    assert trunk_and_head.abs().max() > 0.1  # which the model itself never gives
    with torch.no_grad():
        wanted = reference(shaped, other, other.config.vocab_size)
    cfg = config("distill.loss=reverse_kl").distill
    metrics = distill_step(Policy(shaped, tokenizer, cfg, total_steps=1), LESSONS, teacher_of(other, tokenizer), cfg)
    assert metrics["loss"] == pytest.approx(wanted, rel=1e-5)


def test_the_student_learns_to_say_what_the_teacher_would(model: Any, other: Any, tokenizer: Any, config: Callable[..., Config]) -> None:
    cfg = config("distill.lr=0.01", "distill.warmup_steps=0", "distill.final_lr_share=1").distill
    policy = Policy(model, tokenizer, cfg, total_steps=30)
    losses = [distill_step(policy, LESSONS, teacher_of(other, tokenizer), cfg)["loss"] for _ in range(30)]
    assert losses[-1] < 0.1 * losses[0]


PROBLEMS = [Problem(id=f"p{i}", prompt=f"{i}+1 mod 23") for i in range(3)]


def test_what_the_student_writes_is_read_by_both(model: Any, other: Any, tokenizer: Any, config: Callable[..., Config]) -> None:
    cfg = config("sampler.max_tokens=6")
    mine = Prompter(tokenizer=tokenizer)
    teacher = Teacher(model=other, prompter=Prompter(tokenizer=tokenizer, system="Be brief."), width=200)
    lessons = written_by_student(make_sampler(model, mine, cfg), PROBLEMS, teacher, seed="s")
    assert {lesson.student.prompt_ids for lesson in lessons} == {mine.ids(p) for p in PROBLEMS}
    assert {lesson.teacher.prompt_ids for lesson in lessons} == {teacher.prompter.ids(p) for p in PROBLEMS}
    for lesson in lessons:
        assert lesson.teacher.token_ids == tuple(min(t, 199) for t in lesson.student.token_ids)
    assert any(max(lesson.student.token_ids) > 199 for lesson in lessons)  # so that the line above says something


def test_the_teachers_traces_are_lessons_too(other: Any, tokenizer: Any, tmp_path: Path) -> None:
    write_rows(tmp_path / "data.jsonl", [{"prompt": "1+1", "completion": respond(Response(thought="t", answer="2"))}])
    teacher = Teacher(model=other, prompter=Prompter(tokenizer=tokenizer, system="Be brief."), width=10)
    (lesson,) = written_by_teacher(tmp_path / "data.jsonl", Prompter(tokenizer=tokenizer), teacher)
    assert tokenizer.decode(lesson.student.prompt_ids) == "<|user|>1+1<|assistant|>"
    assert tokenizer.decode(lesson.teacher.prompt_ids) == "<|system|>Be brief.<|user|>1+1<|assistant|>"
    assert lesson.student.token_ids == lesson.teacher.token_ids
    assert tokenizer.decode(lesson.student.token_ids) == "<think>t</think><answer>2</answer><|end|>"


def test_other_tokens_are_refused_with_the_way_that_is_open(tokenizer: Any) -> None:
    assert check_same_vocabulary(tokenizer, build_tokenizer()) == len(tokenizer)
    larger = build_tokenizer()
    larger.add_tokens(["<new>"])
    with pytest.raises(
        ValueError, match=r"1 differ, such as '<new>' \(id None in the teacher, 265 in the student\)\. Use distill\.method=traces"
    ):
        check_same_vocabulary(tokenizer, larger)


def test_padded_heads_are_compared_over_what_they_share() -> None:
    assert common_width(300, 300, 290) == (300, "")
    width, notice = common_width(152064, 151936, 151665)
    assert width == 151936
    assert notice == "output heads of 152064 (teacher) and 151936 rows (student) are compared over the first 151936"
    with pytest.raises(ValueError, match="an output head has 100 rows and the tokenizer 290 tokens"):
        common_width(300, 100, 290)


def test_templates_must_begin_a_response_alike(tokenizer: Any) -> None:
    plain, opened = Prompter(tokenizer=tokenizer), Prompter(tokenizer=tokenizer, prefill="<think>\n")
    check_same_opening(plain, Prompter(tokenizer=tokenizer, system="Other words."), PROBLEMS[0])
    with pytest.raises(ValueError, match=r"opens a response with '<think>\\n', the student's with ''"):
        check_same_opening(opened, plain, PROBLEMS[0])


def test_other_end_tokens_are_mentioned(tokenizer: Any) -> None:
    assert end_token_warning(tokenizer, build_tokenizer()) == ""
    other = build_tokenizer()
    other.eos_token = "<|user|>"
    assert end_token_warning(tokenizer, other).startswith("the teacher ends a response with <|end|>, the student with <|user|>")


SMALL = (
    "stages=[distill] distill.method=on_policy distill.steps=4 distill.batch_size=4 distill.prompts=8 distill.samples=4 "
    "distill.checkpoint_every=2 evaluate.every_stage=false scoring.right_at=0 scoring.workers=0 threads=1 sampler.max_tokens=24 "
    "task.difficulty=easy distill.max_share=1"
).split()


def test_the_student_writes_with_the_weights_of_the_moment(
    config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the sampler has copies, here of another precision."""
    from r1lite.stages import distill
    from r1lite.train import train

    seen: list[torch.Tensor] = []

    def written(sampler: Any, *args: Any, **kwargs: Any) -> list[Lesson]:
        seen.append(next(sampler.engine.decoder.parameters()).detach().clone())
        return written_by_student(sampler, *args, **kwargs)

    monkeypatch.setattr(distill, "written_by_student", written)
    train(config(*SMALL, "distill.lr=0.01", "sampler.dtype=bfloat16", f"run_dir={tmp_path / 'run'}"))
    assert len(seen) == 4
    assert not any(torch.equal(one, next_one) for one, next_one in itertools.pairwise(seen))


def test_the_student_is_not_asked_what_is_held_out(config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from r1lite.stages import distill
    from r1lite.train import train

    held_out = [{"prompt": f"the question number {i} of those that a test holds too and that nobody may train on"} for i in range(20)]
    write_rows(tmp_path / "train.jsonl", [*held_out, {"prompt": "2+2 mod 23"}])
    write_rows(tmp_path / "held_out.jsonl", held_out)
    asked: set[Any] = set()

    def written(sampler: Any, problems: Any, *args: Any, **kwargs: Any) -> list[Lesson]:
        asked.update(problem.prompt for problem in problems)
        return written_by_student(sampler, problems, *args, **kwargs)

    monkeypatch.setattr(distill, "written_by_student", written)
    data = "task=dataset", f"task.path={tmp_path}", f"data.decontaminate_against=[{tmp_path / 'held_out.jsonl'}]"
    train(config(*[s for s in SMALL if not s.startswith("task.")], *data, f"run_dir={tmp_path / 'run'}"))
    assert asked == {"2+2 mod 23"}


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_stage_goes_on_to_the_same_weights(
    share: float, config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    from r1lite.learning import loop
    from r1lite.train import train

    def run(name: str) -> dict[str, torch.Tensor]:
        train(config(*SMALL, f"distill.on_policy_share={share}", f"run_dir={tmp_path / name}"))
        return load_file(tmp_path / name / "distill" / "final" / "model.safetensors")

    whole = run("whole")
    assert (tmp_path / "whole" / "distill" / "data.jsonl").exists() == (share < 1)
    with monkeypatch.context() as patch:
        log, calls = loop.Stopwatch, []

        def dies() -> Any:
            calls.append(1)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return log()

        patch.setattr(loop, "Stopwatch", dies)
        with pytest.raises(KeyboardInterrupt):
            run("killed")
    again = run("killed")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    start = load_file(Path(pretrained.locate("tiny_student")) / "model.safetensors")
    assert not all(torch.equal(whole[name], start[name]) for name in whole)
