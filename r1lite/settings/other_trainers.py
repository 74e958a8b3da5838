"""The names of settings in TRL, verl and OpenRLHF, for the settings page, and for errors that suggest ours for one of theirs."""

from __future__ import annotations

TRAINERS = ("TRL", "verl", "OpenRLHF")
# The names in TRL 1.9, verl 0.8 and OpenRLHF 0.11, then older ones that people still type. A name without a section is in every stage.
TABLE = """
run_dir | output_dir, resume_from_checkpoint | trainer.default_local_dir, trainer.resume_mode | ckpt.path, ckpt.load_enable |
seed | seed | data.seed | train.seed |
model.path | model_name_or_path | model.path | actor.model_name_or_path | pretrain
model.dtype | dtype | fsdp_config.model_dtype | ds.param_dtype | torch_dtype
model.attention | attn_implementation | | ds.attn_implementation |
model.gradient_checkpointing | gradient_checkpointing | model.enable_gradient_checkpointing | actor.gradient_checkpointing_enable |
model.compile | torch_compile | actor.use_torch_compile | |
model.lora_rank | lora_r | model.lora_rank | ds.lora.rank | peft_config
model.lora_alpha | lora_alpha | model.lora_alpha | ds.lora.alpha |
model.lora_targets | lora_target_modules | model.target_modules | ds.lora.target_modules |
model.dora | use_dora | | |
prompt.max_tokens | | data.max_prompt_length | data.max_len | prompt_max_len
prompt.too_long | | data.filter_overlong_prompts, data.truncation | |
episode | environment_factory, tools | multi_turn, agent | agent_func_path |
rewards | reward_funcs, reward_weights | custom_reward_function | reward.remote_url | remote_rm_url
sampler.name | use_vllm, vllm_mode | rollout.name | vllm.num_engines |
sampler.temperature | temperature | rollout.temperature | rollout.temperature |
sampler.top_p | top_p | rollout.top_p | rollout.top_p |
sampler.top_k | top_k | rollout.top_k | |
sampler.max_tokens | max_completion_length | data.max_response_length | rollout.max_new_tokens | generate_max_len, response_length
sampler.max_rows | | rollout.max_num_seqs | |
sampler.cache_mb | vllm_gpu_memory_utilization, a share | rollout.gpu_memory_utilization, a share | vllm.gpu_memory_utilization, a share |
sampler.eager | | rollout.enforce_eager | vllm.enforce_eager |
sampler.urls | vllm_server_base_url | | | vllm_server_host
sampler.seconds | vllm_server_timeout | | |
sampler.transfer | | | vllm.sync_backend |
algorithm.reward_kl_coef | kl_coef of PPO | algorithm.kl_ctrl.kl_coef, algorithm.use_kl_in_reward | algo.kl.init_coef |
algorithm.keep | | filter_groups of the DAPO recipe | algo.dynamic_filtering_enable | dynamic_filtering
algorithm.mask_overlong | mask_truncated_completions | | |
algorithm.entropy_share | top_entropy_quantile | | |
algorithm.advantage | multi_objective_aggregation | algorithm.adv_estimator | algo.advantage.estimator | advantage_estimator
algorithm.scale | scale_rewards | algorithm.norm_adv_by_std_in_grpo | algo.advantage.no_std_norm |
algorithm.gamma | gamma of PPO | algorithm.gamma | algo.advantage.gamma |
algorithm.lam | lam of PPO | algorithm.lam | algo.advantage.lambd |
algorithm.critic_lr | | critic.optim.lr | critic.adam.lr | critic_learning_rate
algorithm.value_clip | cliprange_value of PPO | critic.cliprange_value | critic.value_clip |
algorithm.value_coef | vf_coef of PPO | | | vf_coef
algorithm.ratio | importance_sampling_level | actor.policy_loss.loss_mode | actor.policy_loss_type |
algorithm.gate | loss_type | actor.policy_loss.loss_mode | actor.policy_loss_type |
algorithm.clip_low | epsilon | actor.clip_ratio_low | actor.eps_clip_low_high | clip_ratio, eps_clip, epsilon_low, cliprange
algorithm.clip_high | epsilon_high | actor.clip_ratio_high | actor.eps_clip_low_high |
algorithm.dual_clip | delta | actor.clip_ratio_c | actor.dual_clip |
algorithm.tau_pos | sapo_temperature_pos | actor.tau_pos | |
algorithm.tau_neg | sapo_temperature_neg | actor.tau_neg | |
algorithm.aggregate | loss_type | actor.loss_agg_mode | |
algorithm.kl | | actor.use_kl_loss, actor.kl_loss_type | algo.kl.use_loss, algo.kl.estimator |
algorithm.kl_coef | beta | actor.kl_loss_coef | algo.kl.init_coef | beta, init_kl_coef
algorithm.reference_every | ref_model_sync_steps | | |
algorithm.correction | vllm_importance_sampling_mode | rollout_correction.rollout_is | algo.advantage.is_correction_enable |
algorithm.correction_low | vllm_importance_sampling_clip_min | | |
algorithm.correction_high | vllm_importance_sampling_clip_max | rollout_is_threshold | algo.advantage.is_correction_threshold |
algorithm.entropy_coef | entropy_coef | actor.entropy_coeff | actor.entropy_coef |
lr | learning_rate | optim.lr | adam.lr | actor_learning_rate
final_lr_share | | optim.min_lr_ratio | min_lr_ratio |
warmup_steps | warmup_steps | optim.lr_warmup_steps | lr_warmup_ratio, a share |
weight_decay | weight_decay | optim.weight_decay | adam.weight_decay |
max_grad_norm | max_grad_norm | grad_clip | max_norm |
micro_batch_tokens | per_device_train_batch_size, in rows | ppo_max_token_len_per_gpu | train.max_tokens_per_gpu | micro_train_batch_size
checkpoint_every | save_steps | trainer.save_freq | ckpt.save_steps |
steps | max_steps | trainer.total_training_steps | |
rl.prompts_per_step | generation_batch_size / num_generations | data.train_batch_size | rollout.batch_size | rollout_batch_size
rl.group_size | num_generations | rollout.n | rollout.n_samples_per_prompt |
rl.updates_per_step | steps_per_generation / gradient_accumulation_steps | train_batch_size / ppo_mini_batch_size | |
rl.epochs | num_iterations | actor.ppo_epochs | train.max_epochs |
rl.show_every | log_completions, logging_steps | trainer.log_val_generations | |
rl.asynchronous | | | train.async_enable |
distill.on_policy_share | lmbda of GKD | | | lmbda
distill.beta | beta of GKD | | |
dpo.beta | beta | | model.beta |
dpo.loss | loss_type | | model.ipo_enable |
dpo.nll_coef | loss_weights | | model.nll_loss_coef |
dpo.label_smoothing | label_smoothing | | model.label_smoothing |
reward_model.centring | center_rewards_coefficient | | |
evaluate.samples | num_generations_eval | rollout.val_kwargs.n | eval.n_samples_per_prompt |
"""
_ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
NAMES_OF = {setting: names for setting, *names in _ROWS}


def names_in_trainers(setting: str) -> dict[str, str]:
    """Trainer -> its name for the setting, if it has one."""
    names = NAMES_OF.get(setting) or NAMES_OF.get(setting.rpartition(".")[2]) or []
    return {trainer: name for trainer, name in zip(TRAINERS, names, strict=False) if name}


def _settings_by_name() -> dict[str, str]:
    """Last part of their name -> our setting. A name that is also one of ours means ours, unless it is among the older ones."""
    own_names, ours = {setting.rpartition(".")[2] for setting in NAMES_OF}, dict[str, str]()
    for setting, names in NAMES_OF.items():
        for name in [name for cell in names for name in cell.split(", ") if " " not in name]:
            last = name.rpartition(".")[2]
            if last and (last not in own_names or name in names[3].split(", ")):
                ours.setdefault(last, setting)
    return ours


SETTING_OF = _settings_by_name()
