"""Settings come from the environment; every default is named and explained. A misspelt COUNTERSIGN_ variable is refused."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.environment import ANSWERS_WITHIN, Environment

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
env = Environment(os.environ)

# -- where things lie: data outside the packages -----------------------------------------------------------------------
DATA_DIR = env.path(
    "COUNTERSIGN_DATA",
    default=BASE_DIR / "var" / "site",
    shown="var/site beside manage.py",
    help="folder of blobs, keys, seals and private services",
)
INCOMING_DIR = DATA_DIR / "incoming"
KEYS_DIR = env.path(
    "COUNTERSIGN_KEYS",
    default=DATA_DIR / "keys",
    shown="keys in the data folder",
    help="folder of the signing keys; back it up apart from the database",
)
SEALS_DIR = env.path(
    "COUNTERSIGN_SEALS",
    default=DATA_DIR / "seals",
    shown="seals in the data folder",
    help="folder into which signed log heads are written, outside the database",
)

# -- web ---------------------------------------------------------------------------------------------------------------
DEBUG = env.flag("COUNTERSIGN_DEBUG", default=False, help="Django's debug pages; never on a site that others reach")
SECRET_KEY = env.secret(
    "COUNTERSIGN_SECRET_KEY", file=DATA_DIR / "secret_key", help="signs sessions; made on first start if unset"
)
SITE_URL = env.site("COUNTERSIGN_SITE_URL", default="http://127.0.0.1:8000", help="the address people use; printed in reports")
LOG_ORIGIN = env.shaped(
    "COUNTERSIGN_LOG_ORIGIN",
    default="countersign.local/log",
    like=re.compile(r"[^\s+]{1,200}"),
    write="a name without spaces and plus signs, such as countersign.example.org/log",
    help="the log's name in its seals; never change it later",
)
ALLOWED_HOSTS = env.words("COUNTERSIGN_HOSTS", default=["127.0.0.1", "localhost", "[::1]"], help="host names the site answers to")
SECURE = SITE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
UPLOAD_LIMIT = env.number("COUNTERSIGN_UPLOAD_LIMIT", default=16 * 2**30, help="largest file that is received, in bytes")
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20  # JSON bodies; files are streamed and never held

INSTALLED_APPS = [
    "config.apps.CountersignConfig",
    "audit",
    "monitoring",
    "governance",
    "evaluations",
    "evaluations.resampling",
    "models_registry",
    "tracking",
    "data_registry",
    "accounts",
    "ledger",
    "core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "template_partials",
    "lucide",
    "csp",
]
MIDDLEWARE = [
    "core.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.bodies.SmallBodies",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.ReadersZone",
    "accounts.middleware.KeptByNobody",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.navigation",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# -- database, broker, cache, blobs --------------------------------------------------------------------------------------
DATABASES = {
    "default": env.postgresql(
        "DATABASE_URL",
        help="PostgreSQL, such as postgresql://user@host/name; unset: the private server of `make up`",
        needed=not (env.reading_only(sys.argv) or "mypy" in sys.modules),
    )
}
DATABASE_URL = os.environ.get("DATABASE_URL", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS = env.redis(
    "REDIS_URL", help="Redis, such as redis://host:6379/0 or unix:///path/redis.sock?db=0; unset: the private one of `make up`"
)
REDIS_URL = REDIS.for_cache
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS.for_cache,
        "OPTIONS": {"socket_timeout": ANSWERS_WITHIN, "socket_connect_timeout": ANSWERS_WITHIN},
    }
}
CELERY_BROKER_URL = REDIS.for_celery
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

_blobs = env.shaped(
    "COUNTERSIGN_BLOBS",
    default="",
    like=re.compile(r"|s3://[^/\s]+(/\S*)?|(?!\w+://).+"),
    write="s3://bucket/prefix, or a folder",
    help="s3://bucket/prefix for S3 (credentials as boto3 finds them), or a folder; unset: blobs in the data folder",
)
if _blobs.startswith("s3://"):
    _bucket, _slash, _prefix = _blobs.removeprefix("s3://").partition("/")
    _blob_storage: dict[str, object] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": _bucket, "location": _prefix, "file_overwrite": False},
    }
else:
    _blob_storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": _blobs or DATA_DIR / "blobs", "file_permissions_mode": 0o440, "base_url": None},
    }
STORAGES = {
    "default": _blob_storage,
    "blobs": _blob_storage,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# -- data that stay where they are: only what stands here can be named by those who register data -------------------------
DATA_FOLDER = env.text(
    "COUNTERSIGN_DATA_FOLDER", default="", help="folder whose files workers may read as data in their place; unset: none"
)
_buckets = r"s3://[^/\s,]+(/[^\s,]*)?"
_places = env.shaped(
    "COUNTERSIGN_DATA_S3",
    default="",
    like=re.compile(rf"|{_buckets}(\s*,\s*{_buckets})*"),
    write="s3://bucket or s3://bucket/prefix, several with commas between them",
    help="buckets, or prefixes in them, that workers may read as data in their place (credentials as boto3 finds them)",
)
DATA_S3 = _places.replace(",", " ").split()
DATA_DVC = env.shaped(
    "COUNTERSIGN_DATA_DVC",
    default="",
    like=re.compile(rf"|{_buckets}|/.+"),
    write="an absolute folder, or s3://bucket/prefix",
    help="DVC remote whose files workers may read as data in their place; unset: none",
)

# -- sign-in -------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ALLAUTH_TRUSTED_PROXY_COUNT = env.number(
    "COUNTERSIGN_PROXIES", default=0, help="how many proxies of yours stand before the site", least=0
)
MFA_ADAPTER = "accounts.adapter.SecondFactors"
MFA_TOTP_ISSUER = "Countersign"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
_mail = env.mail(
    "COUNTERSIGN_EMAIL_URL",
    help="where mails are handed in: smtp://user:password@host:587 (with STARTTLS), smtps://user:password@host:465, "
    "smtp-plain://host:25 (a relay of your own, without encryption) or console: (into the worker's log); unset, none are sent",
)
MAILS = _mail["sends"]
EMAIL_BACKEND = f"django.core.mail.backends.{_mail['backend']}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _mail["host"], _mail["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["user"], _mail["password"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["starttls"], _mail["tls"]
EMAIL_TIMEOUT = 10  # seconds: a mail server that does not answer holds no worker
DEFAULT_FROM_EMAIL = env.text("COUNTERSIGN_EMAIL_FROM", default="Countersign <countersign@localhost>", help="whom mails are from")

# -- API -----------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.StrictJson"],
    "URL_FORMAT_OVERRIDE": None,  # `?format=` chooses nothing
    "DEFAULT_SCHEMA_CLASS": "core.openapi.Description",
    "EXCEPTION_HANDLER": "core.problems.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "Governance and audit of PyTorch models. Errors are RFC 9457 problem details.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.openapi.describe_problems"],
    "ENUM_NAME_OVERRIDES": {
        "VersionState": "models_registry.models.Version.State",
        "JobState": "ledger.leases.LeasedJob.State",
        "ChangeEnvelopeState": "governance.models.ChangeEnvelope.State",
        "ReviewState": "governance.models.Review.State",
        "ReleaseState": "governance.models.Release.State",
        "WebhookState": "governance.models.Webhook.State",
        "WebhookKind": "governance.models.Webhook.Kind",
        "MailKind": "governance.models.mail.MailKind",
        "TrainingRunState": "tracking.models.TrainingRun.State",
        "TrainingRunOrigin": "tracking.models.TrainingRun.Origin",
        "AlertState": "monitoring.models.Alert.State",
        "DatasetVersionState": "data_registry.models.DatasetVersion.State",
        "LinkKind": "data_registry.models.Link.Kind",
        "LocationKind": "data_registry.locations.NAMES",
        "PiiPresent": "data_registry.models.PiiFinding.Present",
        "RoleName": "accounts.roles.Role",
        "SignOffVerdict": "governance.models.SignOff.Verdict",
        "CodeVerdict": "governance.models.CodeOutcome.Verdict",
    },
}

# -- language, time, logs --------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "core.logs.OneJsonObject"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {
        "handlers": ["stderr"],
        "level": env.choice(
            "COUNTERSIGN_LOG_LEVEL", default="INFO", among=("DEBUG", "INFO", "WARNING", "ERROR"), help="how much is logged"
        ),
    },
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "celery.worker.strategy": {"level": "WARNING"},  # a line for each tick of the clock says nothing
        "celery.app.trace": {"level": "WARNING"},
    },
}

# -- workers -------------------------------------------------------------------------------------------------------------
SANDBOX_WALL_SECONDS = env.number("COUNTERSIGN_SANDBOX_SECONDS", default=600, help="wall-clock limit of one sandboxed job")
SANDBOX_MEMORY = env.number("COUNTERSIGN_SANDBOX_MEMORY", default=4 * 2**30, help="memory limit of one sandboxed job, in bytes")
DEVICE = env.shaped(
    "COUNTERSIGN_DEVICE",
    default="cpu",
    like=re.compile(r"cpu|cuda(:\d{1,2})?"),
    write="cpu, cuda or cuda:1",
    help="where the models of this worker compute; cuda needs a CUDA build of torch and the device files",
)
LEASE_SECONDS = env.number(
    "COUNTERSIGN_LEASE_SECONDS", default=30, help="a job whose worker is silent for so long goes to another worker"
)
MONITORING_SECONDS = env.number(
    "COUNTERSIGN_MONITORING_SECONDS", default=60, help="how often predictions in production are checked"
)
SEAL_SECONDS = env.number("COUNTERSIGN_SEAL_SECONDS", default=2, help="how often the log takes in new events and signs its head")
ATTESTATION_SECONDS = env.number(
    "COUNTERSIGN_ATTESTATION_SECONDS",
    default=4 * 3600,
    least=60,
    help="how long an allowed answer of the gate may be relied on offline, in seconds; it is signed anew after half of that",
)
WEBHOOK_HOSTS = env.words(
    "COUNTERSIGN_WEBHOOK_HOSTS",
    default=[],
    help="hosts inside your network that webhooks may reach, also over http, such as deploy.internal:8080; others must be public",
)

# Read by the SDK and by the words of the Makefile, which may share the shell.
OTHERS = {"COUNTERSIGN_URL", "COUNTERSIGN_KEY", "COUNTERSIGN_TRUST", "COUNTERSIGN_TORCH_INDEX"}
ADMINISTRATOR = {"COUNTERSIGN_ADMIN_EMAIL", "COUNTERSIGN_ADMIN_NAME", "COUNTERSIGN_ADMIN_PASSWORD"}
env.refuse_unknown(prefix="COUNTERSIGN_", also=OTHERS | ADMINISTRATOR)
