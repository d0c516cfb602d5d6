"""The peer of `bench kmeans`: k-means by cosine in idiomatic PyTorch, rows in one piece.

usage: kmeans.py ROWS WIDTH CLUSTERS THREADS CONFIG   (CONFIG names device and precision; prints `begin` when warm, then the result)

Same rule as ours in one piece: largest cosine, arithmetic means, at most 100 iterations or until the centroids rest.
"""
import json
import os
import sys
import time

# Debian's torch multiplies with OpenBLAS's own threads, which set_num_threads does not reach and which are as many as cores.
os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[4]
import torch


@torch.no_grad()
def fit(pieces, centroids):
    x = torch.cat(pieces)
    for iteration in range(1, 101):
        # a row's own length changes none of its comparisons; max takes less time than argmax
        labels = (x @ torch.nn.functional.normalize(centroids).t()).max(1).indices
        counts = torch.bincount(labels, minlength=len(centroids))
        means = torch.zeros_like(centroids).index_add_(0, labels, x) / counts.clamp(min=1)[:, None]
        moved = ((means - centroids) ** 2).sum().item()
        centroids = means
        if moved <= 1e-4:
            break
    return iteration


def timed(least, pieces, centroids):
    began, fits, iterations = time.perf_counter(), 0, 0
    while time.perf_counter() - began < least:
        fits, iterations = fits + 1, iterations + fit(pieces, centroids)
    return fits, iterations, time.perf_counter() - began


def main():
    rows, width, clusters, threads = map(int, sys.argv[1:5])
    with open(sys.argv[5], encoding="utf-8") as file:
        config = json.load(file)
    device = config["devices"][0]
    torch.backends.cuda.matmul.allow_tf32 = config["precision"] == "tf32"
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    pieces = [torch.rand(rows * (part + 1) // 8 - rows * part // 8, width, device=device) - 0.5 for part in range(8)]
    centroids = pieces[0][:clusters].clone()
    timed(1, pieces, centroids)
    print(json.dumps({"begin": True}), flush=True)
    fits, iterations, seconds = timed(3, pieces, centroids)
    print(json.dumps({"iterations": iterations / fits, "iteration": seconds / iterations}), flush=True)
    sys.stdin.read()


main()
