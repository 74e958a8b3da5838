# r1lite in a container, for a CPU (the default) or for a GPU with CUDA. How to build and run it: docs/start/install.md.
# CI lints this file; it does not build the image.
#
#   docker build -t r1lite .
#   docker build -t r1lite:cuda --build-arg DEVICE=cuda .
ARG PYTHON=3.12

FROM python:${PYTHON} AS build
ARG DEVICE=cpu
ARG TORCH=2.13.0
ARG EXTRAS=data,math,schema,language,code,lora,gguf,functions,reasoning
# An index that carries the CPU build of torch, where pip's own does not; without one the CPU image is larger by gigabytes.
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/r1lite/bin:$PATH
RUN python -m venv /opt/r1lite
RUN if [ "$DEVICE" = cpu ]; then pip install "torch==$TORCH+cpu" || pip install "torch==$TORCH"; else pip install "torch==$TORCH"; fi
WORKDIR /source
COPY . .
RUN pip install -c constraints.txt ".[$EXTRAS]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/r1lite /opt/r1lite
ENV PATH=/opt/r1lite/bin:$PATH PYTHONUNBUFFERED=1 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
ARG UID=1000
RUN useradd --create-home --uid "$UID" r1lite
USER $UID
WORKDIR /home/r1lite
ENTRYPOINT ["r1lite"]
CMD ["--help"]
