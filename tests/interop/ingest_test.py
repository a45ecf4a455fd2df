"""A platform in Python hands bounces to wavepost-bouncer: IngestReport, from the .proto files and grpcio alone.

  python3 ingest_test.py [--bin DIR]

Needs python3-grpcio, python3-protobuf and protoc of Debian; runs in their interpreter.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHON = "/usr/bin/python3"  # the one that Debian's packages belong to
COUNT = 200


def client(protos, port, token, forged):
    """Runs in Debian's interpreter: sends COUNT messages on one stream and checks each answer."""
    sys.path.insert(0, protos)
    import grpc
    from wavepost.v1 import ingest_service_pb2 as ingest
    from wavepost.v1 import outcomes_pb2 as outcomes

    dsn = ("Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n"
           "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
           "Final-Recipient: rfc822; jane@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
           "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--x--\r\n").encode()

    def requests():
        for number in range(COUNT):
            local = token if number % 2 == 0 else forged
            yield ingest.IngestReportRequest(id=str(number), message=dsn, envelope_recipient=f"b+{local}@bounce.test")

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream("/wavepost.v1.IngestService/IngestReport",
                                     request_serializer=ingest.IngestReportRequest.SerializeToString,
                                     response_deserializer=ingest.IngestReportResponse.FromString)
        answers = list(call(requests(), timeout=60))
    assert [answer.id for answer in answers] == [str(number) for number in range(COUNT)], "order"
    for number, answer in enumerate(answers):
        assert answer.status.code == 0 and len(answer.reports) == 1, answer
        report = answer.reports[0]
        assert report.recipient_id == ("w1-4" if number % 2 == 0 else ""), answer
        assert report.bounce_class == outcomes.HARD and report.final_recipient == "jane@example.org", answer
    print(f"PASS ingest: {COUNT} messages read by grpcio {grpc.__version__}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--client", nargs=4, metavar=("PROTOS", "PORT", "TOKEN", "FORGED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        return client(*args.client)
    if subprocess.run([PYTHON, "-c", "import grpc, google.protobuf"], capture_output=True).returncode != 0:
        print("SKIP ingest: python3-grpcio or python3-protobuf is not installed")
        return 77
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from bounces_in import KEY, return_path
    from cluster import Process, free_port

    with tempfile.TemporaryDirectory(prefix="wavepost-ingest-") as folder:
        port, protos = free_port(), pathlib.Path(folder) / "py"
        protos.mkdir()
        sources = ["wavepost/v1/ingest_service.proto", "wavepost/v1/outcomes.proto", "google/rpc/status.proto"]
        subprocess.run(["protoc", "-I", ROOT / "protos", f"--python_out={protos}", *sources], check=True)
        (pathlib.Path(folder) / "keys").write_text(f"1 {KEY.hex()}\n")
        config = pathlib.Path(folder) / "bouncer.yaml"
        config.write_text(f"data_dir: {folder}/data\nlisten: [\"127.0.0.1:{free_port()}\"]\n"
                          f"return_path: {{domain: bounce.test, token_keys: {folder}/keys}}\n"
                          f"coordinator: 127.0.0.1:{free_port()}\ningest_listen: 127.0.0.1:{port}\n")
        bouncer = Process("bouncer", [str(args.bin / "wavepost-bouncer"), "--config", str(config)],
                          pathlib.Path(folder) / "log")
        bouncer.start()
        try:
            good = return_path(4)[len("b+"):].partition("@")[0]
            forged = ("a" if good[-3] != "a" else "b").join((good[:-3], good[-2:]))
            return subprocess.run([PYTHON, __file__, "--client", protos, str(port), good, forged], timeout=120,
                                  env={**os.environ, "PYTHONPATH": ""}).returncode
        finally:
            bouncer.stop()


if __name__ == "__main__":
    sys.exit(main())
