"""Two trainings that log themselves: one of scikit-learn, one of PyTorch by way of Lightning."""

import json

import mlflow
import numpy
import pytorch_lightning
import torch
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
mlflow.set_experiment("autologged")
generator = numpy.random.default_rng(1)
rows = generator.random((60, 3))
answers = (rows[:, 0] > 0.5).astype(int)


def told(run_id):
    run = client.get_run(run_id)
    files = sorted(one.path for one in client.list_artifacts(run_id))
    data = [one.dataset.name for one in run.inputs.dataset_inputs]
    return {
        "status": run.info.status,
        "params": run.data.params,
        "metrics": sorted(run.data.metrics),
        "files": files,
        "data": data,
    }


mlflow.sklearn.autolog()
with mlflow.start_run() as of_sklearn:
    LogisticRegression(C=2.0).fit(rows, answers)
mlflow.sklearn.autolog(disable=True)


class Net(pytorch_lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, batch):
        return self.layer(batch)

    def training_step(self, batch, _place):
        loss = torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.02)


mlflow.pytorch.autolog(log_models=False)
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(torch.tensor(rows, dtype=torch.float32), torch.tensor(answers)), batch_size=20
)
quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
with mlflow.start_run() as of_torch:
    pytorch_lightning.Trainer(max_epochs=3, accelerator="cpu", **quiet).fit(Net(), loader)

version = mlflow.register_model(f"runs:/{of_sklearn.info.run_id}/model", "churn")
torch_run = told(of_torch.info.run_id)
torch_run["history"] = len(client.get_metric_history(of_torch.info.run_id, "train_loss"))
print("FOUND " + json.dumps({"sklearn": told(of_sklearn.info.run_id), "torch": torch_run, "status": version.status}))
