"""The peer of `bench step`: the same training step in idiomatic PyTorch.

usage: step.py CONFIG STEPS THREADS LAYOUT   (CONFIG: a resolved configuration of ours; prints `begin` when warm, then the result)

LAYOUT: `2d` writes the audio tower with convolutions of height 1, as the original does, `1d` over time alone, `channels_last` is 2d in that
memory format; which is fastest depends on the sizes, so the bench runs all and counts the fastest.

Same network, same objective (masked margin softmax on three pairs, online spherical k-means with a queue, reconstruction), same Adam, random
input of the configured shapes. Written to be fast: no Python loop over rows, the queue without shifting, one optimizer call, no
synchronisation beyond what the loss needs. On a GPU the batch travels from pinned memory; tf32 and bf16 (autocast) as configured.
"""
import json
import math
import os
import sys
import time

# Debian's torch multiplies with OpenBLAS's own threads, which set_num_threads does not reach and which are as many as cores.
os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[3]
import torch
from torch import nn
from torch.nn import functional as F


def convolution(inputs, outputs, kernel, stride, dims):
    size = (1, kernel) if dims == 2 else kernel
    padding = (0, kernel // 2) if dims == 2 else kernel // 2
    return (nn.Conv2d if dims == 2 else nn.Conv1d)(inputs, outputs, size, stride, padding, bias=False)


def norm(width, dims):
    return (nn.BatchNorm2d if dims == 2 else nn.BatchNorm1d)(width)


class Block(nn.Module):
    def __init__(self, inputs, width, stride, dims):
        super().__init__()
        self.conv1, self.bn1 = convolution(inputs, width, 9, stride, dims), norm(width, dims)
        self.conv2, self.bn2 = convolution(width, width, 9, 1, dims), norm(width, dims)
        self.shortcut = nn.Sequential(convolution(inputs, width, 1, stride, dims), norm(width, dims)) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


class Audio(nn.Module):
    """(n, bands, frames) to (n, widths[-1]): the mean over time."""

    def __init__(self, bands, widths, dims, channels_last):
        super().__init__()
        self.dims, self.channels_last = dims, channels_last
        self.stem = nn.Conv2d(1, widths[0], (bands, 1), bias=False) if dims == 2 else nn.Conv1d(bands, widths[0], 1, bias=False)
        self.bn = norm(widths[0], dims)
        pairs = zip(widths, widths[1:])
        self.layers = nn.Sequential(*(block for i, o in pairs for block in (Block(i, o, 2, dims), Block(o, o, 1, dims))))

    def forward(self, x):
        x = self.stem(x.unsqueeze(1) if self.dims == 2 else x)
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        x = F.relu(self.bn(x), inplace=True)
        return self.layers(x).flatten(2).mean(2)


class Gated(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.fc, self.gate = nn.Linear(inputs, outputs), nn.Linear(outputs, outputs)

    def forward(self, x):
        x = self.fc(x)
        return x * torch.sigmoid(self.gate(x))


def head(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs), nn.ReLU(inplace=True))


class Mcn(nn.Module):
    def __init__(self, m, dims, channels_last):
        super().__init__()
        width, d = m["layer_widths"][-1], m["embd_dim"]
        self.audio, self.audio_gate, self.projection = Audio(m["mel_bands"], m["layer_widths"], dims, channels_last), Gated(width, width), nn.Linear(width, d)
        self.video, self.words, self.text = Gated(m["feature_dim"], d), nn.Linear(m["we_dim"], d), Gated(d, d)
        sizes = (m["feature_dim"], width, d)
        self.heads = nn.ModuleList(head(d, m["recon_size"], size) for size in sizes) if m["recon"] else None

    def forward(self, video, audio, text):
        pooled = self.audio(audio)
        sentence = F.relu(self.words(text)).amax(1)
        v, a, t = self.video(video), self.projection(self.audio_gate(pooled)), self.text(sentence)
        error = 0
        if self.heads is not None:
            for decode, embedding, target in zip(self.heads, (v, a, t), (video, pooled, sentence)):
                error = error + F.mse_loss(decode(embedding), target)
        return v, a, t, error


def contrast(a, b, margin):
    s = a @ b.t()
    s = s - margin * torch.eye(len(s), device=s.device)
    target = torch.arange(len(s), device=s.device)
    return F.cross_entropy(s, target) + F.cross_entropy(s.t(), target)


class Clusters:
    """Queue of the first half of each video's clips; centroids refitted every queue_size steps, rows assigned in between."""

    def __init__(self, config):
        o, data = config["objective"], config["data"]
        self.k, self.steps, self.shape = o["cluster_size"], o["queue_size"], (data["batch_size"], data["n_pair"])
        self.queue, self.centroids, self.step = [], None, 0

    @torch.no_grad()
    def update(self, fused):
        if self.step % self.steps == 0:
            rows = torch.cat([*self.queue, fused]) if len(self.queue) == self.steps else fused
            if self.centroids is None:
                self.centroids = rows[torch.randperm(len(rows))[: self.k].to(rows.device)]
            directions = rows / (rows.norm(dim=1, keepdim=True) + 1e-8)
            for _ in range(100):
                labels = self.assign(directions)
                counts = torch.bincount(labels, minlength=self.k)
                means = torch.zeros_like(self.centroids).index_add_(0, labels, rows) / counts.clamp(min=1)[:, None]
                moved = ((means - self.centroids) ** 2).sum()
                self.centroids = means
                if moved <= 1e-4:
                    break
            labels = labels[-len(fused) :]
        else:
            labels = self.assign(fused)
        videos, clips = self.shape
        self.queue = [fused.view(videos, clips, -1)[:, : clips // 2].reshape(videos * (clips // 2), -1).clone(), *self.queue[: self.steps - 1]]
        self.step += 1
        return labels

    def assign(self, rows):
        return (rows @ (self.centroids / (self.centroids.norm(dim=1, keepdim=True) + 1e-8)).t()).argmax(1)


def cluster_loss(m, centroids, labels, margin):
    s = m @ centroids.t()
    s = s - margin * F.one_hot(labels, len(centroids))
    return F.cross_entropy(s, labels)


def peak_bytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def seconds_of_a_call(calls=20_000):
    """What a call costs beside its arithmetic: one number added to one."""
    x, best = torch.zeros(1), math.inf
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(calls):
            x.add_(1)
        best = min(best, (time.perf_counter() - began) / calls)
    return best


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    steps = int(sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]))
    torch.manual_seed(1)
    model, data, o = config["model"], config["data"], config["objective"]
    n = data["batch_size"] * data["n_pair"]
    layout = sys.argv[4]
    device = torch.device(config["devices"][0])
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = config["precision"] == "tf32"
    torch.backends.cudnn.benchmark = True
    network = Mcn(model, 1 if layout == "1d" else 2, layout == "channels_last")
    if layout == "channels_last":
        network = network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            nn.init.normal_(module.weight, 0, math.sqrt(2 / (math.prod(module.kernel_size) * module.out_channels)))
    network = network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    clusters = Clusters(config) if o["kmeans"] else None
    video = F.normalize(torch.rand(n, model["feature_dim"]))
    audio = (torch.rand(n, model["mel_bands"], data["howto_audio_frames"]) * -80).half()
    text = torch.rand(n, data["max_words"], model["we_dim"]) - 0.5
    if device.type == "cuda":
        video, audio, text = video.pin_memory(), audio.pin_memory(), text.pin_memory()
    times = []
    for step in range(-10, steps):
        if step == 0:
            print(json.dumps({"begin": True}), flush=True)
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        here = [tensor.to(device, non_blocking=True).float() for tensor in (video, audio, text)]
        with torch.autocast(device.type, torch.bfloat16, enabled=config["precision"] == "bf16"):
            v, a, t, error = network(*here)
        v, a, t = v.float(), a.float(), t.float()
        forward = time.perf_counter()
        loss = contrast(t, v, o["margin"]) + contrast(a, t, o["margin"]) + contrast(a, v, o["margin"]) + o["recon_weight"] * error
        if clusters is not None:
            labels = clusters.update(((v + a + t) / 3).detach())
            loss = loss + o["clu_lamb"] / 3 * sum(cluster_loss(m, clusters.centroids, labels, o["margin"]) for m in (v, a, t))
        loss.backward()
        backward = time.perf_counter()
        optimizer.step()
        loss.item()
        ended = time.perf_counter()
        if step < 0:
            continue  # memory is touched and plans are made
        times.append((ended - began, forward - began, backward - forward, ended - backward))
    print(json.dumps({
        "torch": torch.__version__, "threads": torch.get_num_threads(), "clips": n, "loss": loss.item(), "peak_bytes": peak_bytes(), "call": seconds_of_a_call(),
        "steps": [dict(zip(("step", "forward", "backward", "optimizer"), row)) for row in times],
    }), flush=True)
    sys.stdin.read()


main()
