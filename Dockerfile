# One node of Izumi: any unit, chosen by its command. Nothing is fetched at run time.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/ requirements/
RUN python -m venv /opt/izumi \
 && /opt/izumi/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/izumi/bin/pip install --no-cache-dir --no-build-isolation --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY izumi/ izumi/
RUN /opt/izumi/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 1000 --home-dir /var/lib/izumi --create-home izumi
COPY --from=build /opt/izumi /opt/izumi
ENV PATH=/opt/izumi/bin:$PATH PYTHONUNBUFFERED=1
USER izumi
VOLUME /var/lib/izumi
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s CMD ["izumi-admin", "nodes", "--here"]
ENTRYPOINT ["izumi"]
CMD ["up"]
