"""Train one pack of imaginary-noise models: likelihoods, objectives, networks, data, samplers.

Five lines are enough:

>>> from trainers import Trial, Training, train
>>> from trainers.datasets.digits import Digits
>>> from trainers.likelihoods.gaussian import Gaussian
>>> from trainers.networks.conv import Conv
>>> from trainers.objectives.elbo import Elbo
>>> trained = train(
...     Trial(
...         objective=Elbo(),
...         likelihood=Gaussian(sigma=0.1),
...         network=Conv(share_encoder=True),
...         data=Digits(),
...         training=Training(epochs=1),
...     )
... )
>>> sorted(trained.records[-1].metrics)[:3]
['test/denoise', 'test/elbo', 'test/elbo_full']
"""

from trainers.errors import TrainerError
from trainers.gallery import gallery
from trainers.loop import Trained, train
from trainers.pack import Pack, Record
from trainers.trial import Training, Trial

__all__ = ["Pack", "Record", "Trained", "TrainerError", "Training", "Trial", "gallery", "train"]
