"""What each job receives and returns, one module per job, as in ``tasks/``; and the key that names its output."""

from maskfold.specs.answers import AnswersOutcome, AnswersSpec, Drift, TargetScore
from maskfold.specs.ask import AskOutcome, AskSpec, Told
from maskfold.specs.audit import AuditOutcome, AuditSpec, SuspectRow
from maskfold.specs.compare import CompareOutcome, CompareSpec, Trial, VariantScore
from maskfold.specs.crop import CropOutcome, CropSpec, FaceShares, TypicalFace
from maskfold.specs.detect import DetectOutcome, DetectSpec
from maskfold.specs.ensemble import EarlierRun, EnsembleOutcome, EnsembleSpec, Scores
from maskfold.specs.export import ExportOutcome, ExportSpec, package_file, package_folder
from maskfold.specs.look import LookOutcome, LookSpec
from maskfold.specs.measure import MeasureOutcome, MeasureSpec
from maskfold.specs.model import ModelPackage, PackagedFile, PackagedNetwork, model_name
from maskfold.specs.network_card import NetworkCard, NetworkInput
from maskfold.specs.networks import NetworksOutcome, NetworksSpec
from maskfold.specs.predict import Order, PartDone, PredictOutcome, PredictSpec, Segment
from maskfold.specs.predict_eval import NO_FOLD, PredictEvalOutcome, PredictEvalSpec
from maskfold.specs.prepare import ExternalSource, PrepareOutcome, PrepareSpec
from maskfold.specs.score import ScoreOutcome, ScoreSpec
from maskfold.specs.select import SelectOutcome, SelectSpec
from maskfold.specs.space import Searched
from maskfold.specs.spec import FAILURE_FILE, OUTCOME_FILE, SPEC_FILE, Failure, File, Outcome, Spec, Tracking, digest
from maskfold.specs.train_all import TrainAllOutcome, TrainAllSpec
from maskfold.specs.train_fold import TrainFoldOutcome, TrainFoldSpec
from maskfold.specs.training import EpochRecord, TrainOutcome, TrainSpec
from maskfold.specs.tune import SearchedTrial, TuneOutcome, TuneSpec, trial_name
from maskfold.specs.weights import Weights, WeightsOutcome, WeightsSpec

__all__ = [
    "FAILURE_FILE",
    "NO_FOLD",
    "OUTCOME_FILE",
    "SPEC_FILE",
    "AnswersOutcome",
    "AnswersSpec",
    "AskOutcome",
    "AskSpec",
    "AuditOutcome",
    "AuditSpec",
    "CompareOutcome",
    "CompareSpec",
    "CropOutcome",
    "CropSpec",
    "DetectOutcome",
    "DetectSpec",
    "Drift",
    "EarlierRun",
    "EnsembleOutcome",
    "EnsembleSpec",
    "EpochRecord",
    "ExportOutcome",
    "ExportSpec",
    "ExternalSource",
    "FaceShares",
    "Failure",
    "File",
    "LookOutcome",
    "LookSpec",
    "MeasureOutcome",
    "MeasureSpec",
    "ModelPackage",
    "NetworkCard",
    "NetworkInput",
    "NetworksOutcome",
    "NetworksSpec",
    "Order",
    "Outcome",
    "PackagedFile",
    "PackagedNetwork",
    "PartDone",
    "PredictEvalOutcome",
    "PredictEvalSpec",
    "PredictOutcome",
    "PredictSpec",
    "PrepareOutcome",
    "PrepareSpec",
    "ScoreOutcome",
    "ScoreSpec",
    "Scores",
    "Searched",
    "SearchedTrial",
    "Segment",
    "SelectOutcome",
    "SelectSpec",
    "Spec",
    "SuspectRow",
    "TargetScore",
    "Told",
    "Tracking",
    "TrainAllOutcome",
    "TrainAllSpec",
    "TrainFoldOutcome",
    "TrainFoldSpec",
    "TrainOutcome",
    "TrainSpec",
    "Trial",
    "TuneOutcome",
    "TuneSpec",
    "TypicalFace",
    "VariantScore",
    "Weights",
    "WeightsOutcome",
    "WeightsSpec",
    "digest",
    "model_name",
    "package_file",
    "package_folder",
    "trial_name",
]
