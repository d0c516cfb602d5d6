"""The peer of `bench kmeans`: k-means by cosine in idiomatic PyTorch, rows in one piece.

usage: kmeans.py ROWS WIDTH CLUSTERS THREADS   (prints `begin` when warm, then the result)

Same rule as ours in one piece: largest cosine, arithmetic means, at most 100 iterations or until the centroids rest.
"""
import json
import sys
import time

import torch


@torch.no_grad()
def fit(pieces, centroids):
    x = torch.cat(pieces)
    directions = x / (x.norm(dim=1, keepdim=True) + 1e-8)
    for iteration in range(1, 101):
        labels = (directions @ (centroids / (centroids.norm(dim=1, keepdim=True) + 1e-8)).t()).argmax(1)
        counts = torch.bincount(labels, minlength=len(centroids))
        means = torch.zeros_like(centroids).index_add_(0, labels, x) / counts.clamp(min=1)[:, None]
        moved = ((means - centroids) ** 2).sum().item()
        centroids = means
        if moved <= 1e-4:
            break
    return iteration


def main():
    rows, width, clusters, threads = map(int, sys.argv[1:5])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    pieces = [torch.rand(rows * (part + 1) // 8 - rows * part // 8, width) - 0.5 for part in range(8)]
    centroids = pieces[0][:clusters].clone()
    fit(pieces, centroids)
    print(json.dumps({"begin": True}), flush=True)
    began = time.perf_counter()
    iterations = sum(fit(pieces, centroids) for _ in range(5))
    print(json.dumps({"iterations": iterations, "iteration": (time.perf_counter() - began) / iterations}), flush=True)
    sys.stdin.read()


main()
