"""What the local runner reads from a template."""

from datetime import timedelta
from pathlib import Path

import pytest

from backbeat_local.intrinsics import TemplateError
from backbeat_local.schedule_expressions import Rate
from backbeat_local.template import (
    FunctionSpec,
    HttpRoute,
    QueueMapping,
    Template,
    load_template,
    queue_name,
)

WHOLE = """
Parameters:
  Stage: {Type: String, AllowedValues: [dev, prod], Default: prod}
  Sandbox: {Type: String, Default: "off"}
  Attempts: {Type: Number, Default: 7}
Conditions:
  SandboxOn: !Equals [!Ref Sandbox, "on"]
  IsProduction: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Runtime: python3.13
    Handler: app.handler
    Timeout: 29
    Environment:
      Variables:
        STAGE: !Ref Stage
        QUEUE_URL: !Ref ParcelsQueue
        TABLE: !Ref Table
        LABEL: !Sub "${Stage}-${AWS::Region}-${!literal}"
Resources:
  Table:
    Type: AWS::DynamoDB::Table
  ParcelsQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 90
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt ParcelsDeadLetterQueue.Arn
        maxReceiveCount: !Ref Attempts
  ParcelsDeadLetterQueue:
    Type: AWS::SQS::Queue
  MailFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/mail/
      MemorySize: 256
      Environment:
        Variables:
          OWN: !If [IsProduction, strict, lax]
      Events:
        Read:
          Type: HttpApi
          Properties: {Method: get, Path: "/mail/{id}"}
        Any:
          Type: HttpApi
          Properties: {Method: ANY, Path: "/mail/{rest+}"}
        Parcels:
          Type: SQS
          Properties:
            Queue: !GetAtt ParcelsQueue.Arn
            BatchSize: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
        Tick:
          Type: ScheduleV2
          Properties: {ScheduleExpression: rate(5 minutes), Input: '{"action": "tick"}'}
        Paused:
          Type: ScheduleV2
          Properties: {ScheduleExpression: rate(1 minute), State: DISABLED}
  TestFunction:
    Type: AWS::Serverless::Function
    Condition: SandboxOn
    Properties:
      CodeUri: functions/test/
"""


def read(tmp_path: Path, text: str, parameters: dict[str, str] | None = None) -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return load_template(path, parameters)


def function_with(tmp_path: Path, properties: str) -> FunctionSpec:
    head = "Resources: {F: {Type: AWS::Serverless::Function, Properties: "
    return read(tmp_path, f"{head}{properties}}}}}").functions["F"]


PYTHON = "Runtime: python3.13, Handler: app.handler, CodeUri: f"


class TestFunctions:
    def test_code_and_limits_come_from_the_function_and_the_globals(self, tmp_path: Path) -> None:
        function = read(tmp_path, WHOLE).functions["MailFunction"]
        assert function.code == tmp_path / "functions" / "mail"
        assert (function.module, function.attribute) == ("app", "handler")
        assert (function.timeout_seconds, function.memory_mb) == (29, 256)

    def test_routes(self, tmp_path: Path) -> None:
        assert read(tmp_path, WHOLE).functions["MailFunction"].routes == (
            HttpRoute("GET", "/mail/{id}"),
            HttpRoute("ANY", "/mail/{rest+}"),
        )

    def test_queue_mapping(self, tmp_path: Path) -> None:
        assert read(tmp_path, WHOLE).functions["MailFunction"].mappings == (
            QueueMapping(queue="ParcelsQueue", batch_size=5, partial_failures=True),
        )

    def test_schedules_that_are_enabled(self, tmp_path: Path) -> None:
        [schedule] = read(tmp_path, WHOLE).functions["MailFunction"].schedules
        assert schedule.name == "Tick"
        assert schedule.expression == Rate(timedelta(minutes=5))
        assert schedule.payload == {"action": "tick"}

    def test_a_function_exists_only_under_its_condition(self, tmp_path: Path) -> None:
        assert set(read(tmp_path, WHOLE, {"Sandbox": "off"}).functions) == {"MailFunction"}
        assert "TestFunction" in read(tmp_path, WHOLE, {"Sandbox": "on"}).functions


class TestParameters:
    def test_local_values_of_well_known_parameters(self, tmp_path: Path) -> None:
        template = read(tmp_path, WHOLE)
        assert template.environment()["STAGE"] == "dev"
        assert "TestFunction" in template.functions

    def test_given_values_win(self, tmp_path: Path) -> None:
        assert read(tmp_path, WHOLE, {"Stage": "prod"}).environment()["OWN"] == "strict"

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"Stage": "moon"}, "parameter Stage is 'moon', not one of dev, prod"),
            ({"Colour": "red"}, "has no parameter Colour"),
        ],
    )
    def test_wrong_values(self, tmp_path: Path, parameters: dict[str, str], message: str) -> None:
        with pytest.raises(TemplateError, match=message):
            read(tmp_path, WHOLE, parameters)

    def test_a_parameter_needs_a_value(self, tmp_path: Path) -> None:
        with pytest.raises(TemplateError, match="parameter Name has no default"):
            read(tmp_path, "Parameters: {Name: {Type: String}}")


class TestEnvironment:
    def test_globals_and_own_variables_resolved(self, tmp_path: Path) -> None:
        assert read(tmp_path, WHOLE).environment() == {
            "STAGE": "dev",
            "QUEUE_URL": "parcels",
            "TABLE": "Table",
            "LABEL": "dev-us-east-1-${literal}",
            "OWN": "lax",
        }

    def test_contradicting_variables(self, tmp_path: Path) -> None:
        variables = "{Environment: {Variables: {MODE: %s}}, " + PYTHON + "}"
        template = read(
            tmp_path,
            "Resources:\n"
            f"  A: {{Type: AWS::Serverless::Function, Properties: {variables % 'x'}}}\n"
            f"  B: {{Type: AWS::Serverless::Function, Properties: {variables % 'y'}}}\n",
        )
        with pytest.raises(TemplateError, match="B and A set MODE differently"):
            template.environment()


class TestQueues:
    def test_names_and_limits(self, tmp_path: Path) -> None:
        queues = read(tmp_path, WHOLE).queues
        parcels = queues["ParcelsQueue"]
        assert parcels.name == "parcels"
        assert parcels.visibility_seconds == 90
        assert parcels.max_receive_count == 7
        assert parcels.dead_letters == "ParcelsDeadLetterQueue"
        assert parcels.arn == "arn:aws:sqs:us-east-1:000000000000:parcels"
        assert queues["ParcelsDeadLetterQueue"].visibility_seconds == 30
        assert queues["ParcelsDeadLetterQueue"].max_receive_count is None

    @pytest.mark.parametrize(
        ("logical_id", "name"),
        [
            ("WebhooksQueue", "webhooks"),
            ("WebhooksDeadLetterQueue", "webhooks-dead-letter"),
            ("Jobs", "jobs"),
        ],
    )
    def test_local_names(self, logical_id: str, name: str) -> None:
        assert queue_name(logical_id) == name


class TestLayers:
    def test_only_those_that_hold_packages(self, tmp_path: Path) -> None:
        (tmp_path / "layers" / "own" / "python").mkdir(parents=True)
        (tmp_path / "layers" / "built").mkdir()
        template = read(
            tmp_path,
            "Resources:\n"
            "  Own: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/own/}}\n"
            "  Built: {Type: AWS::Serverless::LayerVersion,"
            " Properties: {ContentUri: layers/built/}}\n",
        )
        assert template.layers == (tmp_path / "layers" / "own" / "python",)


class TestFunctionsOfCloudFormation:
    @pytest.mark.parametrize(
        ("expression", "value"),
        [
            ('!Join ["/", [a, !Ref "AWS::Region", !Ref "AWS::NoValue"]]', "a/us-east-1"),
            ('!Select [1, !Split [",", "a,b,c"]]', "b"),
            ("!FindInMap [Sizes, big, memory]", "512"),
            ('!Sub ["${name}-${AWS::StackName}", {name: !Ref Word}]', "echo-backbeat"),
            ("!If [Never, a, b]", "b"),
            ("!If [Always, a, b]", "a"),
            ("!GetAtt Topic.Arn", "arn:aws:sns:us-east-1:000000000000:Topic"),
            ('!Sub "${Topic.TopicName}"', "Topic.TopicName"),
            ("{'Ref': Word}", "echo"),
            ("true", "true"),
            ("012", "10"),
        ],
    )
    def test_value(self, tmp_path: Path, expression: str, value: str) -> None:
        text = f"""
Parameters: {{Word: {{Type: String, Default: echo}}}}
Mappings: {{Sizes: {{big: {{memory: 512}}}}}}
Conditions:
  Never: !And [!Not [!Equals [a, b]], !Equals [a, !Ref Word]]
  Always: !Or [!Condition Never, !Equals [echo, !Ref Word]]
Resources:
  Topic: {{Type: AWS::SNS::Topic}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: f
      Environment: {{Variables: {{V: {expression}}}}}
"""
        assert read(tmp_path, text).functions["F"].environment == {"V": value}

    @pytest.mark.parametrize(
        ("expression", "message"),
        [
            ("!Ref Nobody", "Nobody is neither a parameter nor a resource"),
            ("!ImportValue x", "Fn::ImportValue is not understood"),
            ("!If [Missing, a, b]", "condition Missing is not declared"),
            ("!Join [a]", "Fn::Join needs a list of 2"),
            ("!FindInMap [A, b, c]", "mapping A.b.c does not exist"),
            ("[a]", "stands where a text is needed"),
        ],
    )
    def test_mistakes_name_the_function(
        self, tmp_path: Path, expression: str, message: str
    ) -> None:
        with pytest.raises(TemplateError, match=message) as caught:
            function_with(
                tmp_path, f"{{{PYTHON}, Environment: {{Variables: {{V: {expression}}}}}}}"
            )
        assert str(caught.value).startswith(f"{tmp_path / 'template.yaml'}: F: ")


class TestWhatCannotRun:
    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ("{Runtime: nodejs22.x, Handler: app.handler, CodeUri: f}", "nodejs22.x does not run"),
            ("{Runtime: python3.13, Handler: handler, CodeUri: f}", "handler is not of the form"),
            ("{Runtime: python3.13, Handler: app.handler}", "CodeUri is missing"),
            ("{ImageUri: x}", "ImageUri does not run locally"),
            (f"{{{PYTHON}, Events: {{E: {{Type: S3}}}}}}", "event E of type S3 does not run"),
            (
                f"{{{PYTHON}, Events: {{E: {{Type: HttpApi}}}}}}",
                r"event E: \(none\) is not an HTTP method",
            ),
            (
                f"{{{PYTHON}, Events: {{E: {{Type: HttpApi, Properties: {{Method: GET}}}}}}}}",
                "does not begin with /",
            ),
            (
                f"{{{PYTHON}, Events: {{E: {{Type: SQS, Properties: {{Queue: 'arn:x'}}}}}}}}",
                "arn:x, which is no queue of this template",
            ),
            (
                f"{{{PYTHON}, Events: {{E: {{Type: ScheduleV2,"
                " Properties: {ScheduleExpression: at(noon)}}}}",
                "neither rate",
            ),
            (
                f"{{{PYTHON}, Events: {{E: {{Type: ScheduleV2, Properties:"
                " {ScheduleExpression: rate(1 day), ScheduleExpressionTimezone: Europe/Paris}}}}",
                "in UTC only, not Europe/Paris",
            ),
        ],
    )
    def test_function(self, tmp_path: Path, properties: str, message: str) -> None:
        with pytest.raises(TemplateError, match=message):
            function_with(tmp_path, properties)

    @pytest.mark.parametrize(
        ("resource", "message"),
        [
            ("{Type: AWS::Lambda::EventSourceMapping}", "declare an event of type SQS"),
            ("{Type: AWS::Scheduler::Schedule}", "declare an event of type ScheduleV2"),
            ("{Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}", "FIFO"),
            ("{Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: soon}}", "'soon', not a"),
        ],
    )
    def test_resource(self, tmp_path: Path, resource: str, message: str) -> None:
        with pytest.raises(TemplateError, match=f"X.*{message}"):
            read(tmp_path, f"Resources: {{X: {resource}}}")

    def test_a_file_that_is_missing_or_no_yaml(self, tmp_path: Path) -> None:
        with pytest.raises(TemplateError, match="No such file"):
            load_template(tmp_path / "template.yaml")
        with pytest.raises(TemplateError, match="not readable as YAML"):
            read(tmp_path, "a: [")
        with pytest.raises(TemplateError, match="not a mapping"):
            read(tmp_path, "- a")
