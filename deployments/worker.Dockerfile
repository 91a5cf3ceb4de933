# A node that carries out PAR's tasks: a Dask worker, one thread, as many containers as cores (or GPUs).
#
#     docker build -f deployments/worker.Dockerfile -t par-worker:0.1.0 .
#     docker run par-worker:0.1.0 tcp://scheduler:8786 --nthreads 1
#
# It computes the compact profile on CPUs. For the clip profile or GPUs add PyTorch: --build-arg EXTRAS=s3,torch -t par-worker-gpu:0.1.0
#
# Built from this very checkout: all workers and the driver must have the same version of PAR.
FROM python:3.11-slim
WORKDIR /par
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY par_core par_core
COPY tasks tasks
COPY flows flows
ARG EXTRAS=s3
RUN pip install --no-cache-dir --constraint constraints.txt ".[$EXTRAS]" && useradd --create-home --uid 1000 par
USER par
ENV OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONSAFEPATH=1
ENTRYPOINT ["dask", "worker"]
