"""What is recognised as a secret, and what of a training's everyday code is not. Samples are put together here, so that this file
holds none itself."""

from __future__ import annotations

import string

import pytest

from countersign.capturing.secrets import entropy, secret_in_line, secret_in_names, secret_in_patch, secret_in_text

RANDOM = "q7Zp2Xv9Lk4Tn8Rb3Wm6Yc1D"
HEX = "0123456789abcdef" * 3

SECRETS = {
    "-----BEGIN " + "RSA PRIVATE KEY-----": "a private key",
    "-----BEGIN " + "OPENSSH PRIVATE KEY-----": "a private key",
    "-----BEGIN " + "PRIVATE KEY-----": "a private key",
    "-----BEGIN " + "PGP PRIVATE KEY BLOCK-----": "a private key",
    "PuTTY-User-Key-" + "File-3: ssh-rsa": "a private key",
    "aws = AKIA" + "ABCDEFGH12345678": "a key of AWS",
    "x = 'ASIA" + "ABCDEFGH12345678'": "a key of AWS",
    "ghp_" + RANDOM + RANDOM: "a token of GitHub",
    "github_pat_" + RANDOM: "a token of GitHub",
    "glpat-" + RANDOM: "a token of GitLab",
    "xoxb-" + "123456789012-" + RANDOM: "a token of Slack",
    "https://hooks.slack.com/" + "services/T000/B000/XXXX": "a token of Slack",
    "AIza" + RANDOM + "abcdefghijk": "a key of Google",
    '"private_key' + '_id": "abc"': "a key of Google",
    "sk-ant-" + RANDOM: "a key of OpenAI or Anthropic",
    "sk-proj-" + RANDOM: "a key of OpenAI or Anthropic",
    "sk-" + RANDOM + RANDOM: "a key of OpenAI or Anthropic",
    "sk_live_" + RANDOM: "a key of Stripe",
    "hf_" + RANDOM: "a token of Hugging Face",
    "npm_" + RANDOM + RANDOM: "a token of a package registry",
    "//registry.example/:_auth" + "Token=abcdefgh": "a token of a package registry",
    "dapi" + HEX[:32]: "a token of Databricks",
    "SG." + RANDOM + "." + RANDOM: "a key of SendGrid, Twilio or DigitalOcean",
    "cs_" + HEX[:12] + "_" + RANDOM + RANDOM: "a key of Countersign",
    "AccountKey=" + RANDOM + RANDOM + "==": "an access key of Azure",
    "eyJ" + RANDOM + ".eyJ" + RANDOM + "." + RANDOM: "a signed web token",
    "Authorization: Bearer " + RANDOM: "an authorization header",
    "headers = {'Authorization': 'token " + RANDOM + "'}": "an authorization header",
    "postgresql://me:" + "hunter22@db.example.org/x": "an address with a password",
    "--extra-index-url https://__token__:" + RANDOM + "@example.org/simple": "an address with a password",
    "machine example.org login me " + "password hunter22": "a line of .netrc",
    "password" + " = 'hunter2'": "a value of “password”",
    "DB_PASSWORD" + '="correct horse battery"': "a value of “DB_PASSWORD”",
    "dbPasswd" + ": 'a(b)c1234'": "a value of “dbPasswd”",
    "{db: {password" + ": 'hunter22'}}": "a value of “password”",
    "train.py --token=" + RANDOM: "a value of “token”",
    "PASSWORD=" + "tr0ub4dor&3": "a value of “PASSWORD”",
    "  password: " + "s3cretXy9": "a value of “password”",
    "api_key = '" + RANDOM + "'": "a value of “api_key”",
    "SECRET_KEY=" + RANDOM: "a value of “SECRET_KEY”",
    '"accessToken": "' + RANDOM + '"': "a value of “accessToken”",
    "client_secret := `" + RANDOM + "`": "a value of “client_secret”",
    "wandb.auth_token = '" + HEX[:40] + "'": "a value of “wandb.auth_token”",
}

HARMLESS = [
    "tokenizer = 'bert-base-uncased-v2'",
    "pad_token = '<pad>'; eos_token = '</s>'",
    "pad_token = 'abc123def456ghi789'",
    "tokens = tokenizer(text)",
    "token = tokenize(line)[0]",
    "max_tokens = 16384",
    "num_tokens: 1024",
    "password = os.environ['DB_PASSWORD']",
    "password = getpass.getpass()",
    "password = args.password",
    "password = ''",
    "password: ${DB_PASSWORD}",
    "password = '<your password>'",
    "token = os.getenv('HF_TOKEN')",
    "api_key=config.api_key",
    "key = jax.random.PRNGKey(42)",
    "keys = ['loss', 'accuracy']",
    "state_dict_key = 'encoder.layer1.weight2'",
    "authors = 'Ada Lovelace 1843 and others'",
    "secret = 'password'",
    "sha256 = '" + HEX + "'",
    "revision = '" + HEX[:40] + "'",
    "url = 'https://example.org:8080/path@2x'",
    "git+ssh://git@example.org/a.git@v1.0",
    "numpy==2.4.6 --hash=sha256:" + HEX,
    "sk_model_selection_train_test_split(x)",
    "-----BEGIN " + "PUBLIC KEY-----",
    "lr = 1e-3  # password-free",
    "optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)",
]


@pytest.mark.parametrize(("line", "kind"), SECRETS.items(), ids=range(len(SECRETS)))
def test_a_secret_is_recognised_and_named_by_its_kind(line: str, kind: str) -> None:
    assert secret_in_line(line) == kind
    assert secret_in_line(f"    {line}  # note") == kind


@pytest.mark.parametrize("line", HARMLESS)
def test_everyday_code_is_no_secret(line: str) -> None:
    assert secret_in_line(line) == ""


def test_files_of_secrets_are_known_by_their_names() -> None:
    for name in (
        b".env",
        b"a/.env.production",
        b"prod.env",
        b"id_rsa",
        b"certs/Server.PEM",
        b".aws/credentials",
        b"secrets.yaml",
    ):
        assert secret_in_names([b"train.py", name]), name
    for name in (b".env.example", b"id_rsa.pub", b"environment.py", b"secrets.py", b"keyboard.py", b"env/train.py"):
        assert secret_in_names([name]) == "", name
    assert secret_in_names([b"a\x1b[2J/.env"]) == "the file a?[2J/.env, in which secrets are kept"


def test_a_patch_names_the_file_and_reads_no_headers() -> None:
    line = "+token = '" + RANDOM + "'"
    patch = f"diff --git a/x.py b/x.py\nindex 0..1\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n{line}\n"
    assert secret_in_patch(patch.encode()) == "a value of “token” in x.py"
    assert secret_in_patch(patch.replace(line, "+a").encode()) == ""
    assert secret_in_patch(b"diff --git a/x b/x\n@@ -1 +1 @@\n+\xff\xfe\n") == ""


def test_a_text_names_the_line() -> None:
    assert secret_in_text(b"numpy==1\n--index-url https://a:" + b"bcde@example.org\n") == "an address with a password in line 2"


@pytest.mark.parametrize("sign", ["a", "-", "a-", "eyJ-", ":", "=", "a=", " ", '"', "a:/", "password", "SG.", "x-----BEGIN "])
def test_a_line_without_end_is_read_in_linear_time(sign: str) -> None:
    # Read quadratically, a mebibyte would take hours.
    assert secret_in_line((sign * (1 << 20))[: 1 << 20]) == ""


def test_entropy_is_shannons() -> None:
    assert entropy("aaaa") == 0 and entropy("abab") == 1 and entropy(string.hexdigits[:16]) == 4
