# One image for everything of ours: Airflow's services and the command line `listening`.
# docs/deploying.md says why it starts from Python and not from Airflow's own image.
FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /build
# The dependencies change less often than we do, so they are a layer of their own. All of them come
# as wheels: no compiler, and on the processor alone, no torch.
COPY docker/requirements.txt docker/
RUN /opt/venv/bin/pip install --no-deps --only-binary :all: --requirement docker/requirements.txt
COPY LICENSE README.md pyproject.toml ./
COPY listening listening
COPY models/sentiment models/sentiment
RUN /opt/venv/bin/pip install --no-deps . && /opt/venv/bin/pip check

FROM python:3.11.14-slim-bookworm

# Group 0, as Elastic's and Airflow's images have it: volumes made by one can be read by the others.
RUN useradd --uid 50000 --gid 0 --home-dir /opt/airflow --create-home airflow \
    && mkdir -p /opt/airflow/dags /opt/airflow/logs /opt/listening/cache \
    && chown -R 50000:0 /opt/airflow /opt/listening
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    LISTENING_CACHE=/opt/listening/cache
WORKDIR /opt/listening
USER 50000:0
CMD ["listening", "--help"]
