"""
What differs between two versions
=================================

A colleague's model is "almost the same" as yours; a new release of a library changed a block; a
paper says that it only swapped the activation. ``graphlens.diff`` compares two captures by what
they compute, whatever their layers are called, and draws both as one: what is equal is folded,
what changed stands open.
"""

import torch
import torchvision

import graphlens

image = torch.zeros(1, 3, 224, 224)


def captured(name: str) -> graphlens.Graph:
    """A model of torchvision as a graph."""
    return graphlens.capture(getattr(torchvision.models, name)(weights=None).eval(), image)


# %%
# More of the same
# ----------------
# ResNet-34 is ResNet-18 with longer runs of the same block, and nothing else:

deeper = graphlens.diff(captured("resnet18"), captured("resnet34"))
graphlens.draw(deeper, "resnet18_resnet34.svg")

# %%
# Layers put in between
# ---------------------
# VGG numbers its layers, so that in the version with normalisation nearly every layer has another
# number. They are matched in order of execution all the same: thirteen operations are new.

normed = graphlens.diff(captured("vgg16"), captured("vgg16_bn"))
graphlens.draw(normed, "vgg16_vgg16_bn.svg")
print("removed:", len(normed.removed))
print("added:", sum(normed.after.op(name) == "BatchNormalization" for name in normed.added))

# %%
# Other sizes
# -----------
# Two RegNets of one family share hardly a size. The picture has one trunk, with both:

wider = graphlens.diff(captured("regnet_y_400mf"), captured("regnet_y_800mf"))
graphlens.draw(wider, "regnets.svg")

# %%
# One line
# --------
# And what a change of one line does, which no review of shapes would show:

model = torchvision.models.resnet18(weights=None).eval()
before = graphlens.capture(model, image)
model.layer2[0].conv1.stride, model.layer2[0].conv2.stride = (1, 1), (2, 2)
graphlens.draw(graphlens.diff(before, graphlens.capture(model, image)), "stride.svg")

# %%
# From a shell: ``graphlens diff torchvision:resnet18 torchvision:resnet34 -o difference.svg``.
