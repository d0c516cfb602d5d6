"""The peer of `bench loader`: an idiomatic PyTorch Dataset + DataLoader that does the work of our loader on the same files.

usage: loader.py CONFIG WORKERS SECONDS   (CONFIG: a resolved configuration of ours; prints `begin` when warm, then the result)

Written to be fast: captions live in flat NumPy arrays (no objects that forked workers would copy), each file of a video is read once,
pooling is vectorised over rows, audio stays half precision, text is token ids, the batch is collated into one tensor a field, workers
are persistent, and one endless sampler keeps their queues full over the ends of epochs. Timed variants and what they took a file here:
np.load of a stored npz 12 ms, the whole file in one read and an array over its bytes (with the same CRC check) 2.4 ms; pooling by
torch.amax 0.9 ms, by torch's conversion and NumPy's maximum 0.5 ms, by NumPy's conversion 15 ms. The faster one is used each time.
"""
import io
import json
import os
import pickle
import re
import struct
import sys
import time
import warnings
import zipfile
import zlib

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

TOKEN = re.compile(r"[\w']+")


def word_ids(path, wanted):
    """Ids from 1 of the wanted words that have a vector, in the order of Google's binary file."""
    ids = {}
    with open(path, "rb") as file:
        count, width = map(int, file.readline().split())
        content = file.read()
    at = 0
    for _ in range(count):
        end = content.index(b" ", at)
        word = content[at:end].lstrip(b"\n").decode()
        if word in wanted:
            ids[word] = len(ids) + 1
        at = end + 1 + 4 * width
    return ids


def read_npz(path):
    """The one array of an npz; np.load copies it through Python's zip streams."""
    with open(path, "rb") as file:
        raw = file.read()
    member = zipfile.ZipFile(io.BytesIO(raw)).infolist()[0]
    name, extra = struct.unpack_from("<HH", raw, member.header_offset + 26)
    at = member.header_offset + 30 + name + extra
    data = memoryview(raw)[at : at + member.compress_size]
    if member.compress_type == zipfile.ZIP_DEFLATED:
        data = zlib.decompress(data, -15, member.file_size)
    if zlib.crc32(data) != member.CRC:
        raise ValueError(path + ": wrong CRC")
    header = io.BytesIO(data[:1024])
    np.lib.format.read_magic(header)
    shape, _, dtype = np.lib.format.read_array_header_1_0(header)
    return np.frombuffer(data, dtype, offset=header.tell()).reshape(shape)


class Captions:
    """Times and token ids of the listed videos in flat arrays."""

    def __init__(self, data, ids):
        with open(data["caption_path"], "rb") as file:
            raw = pickle.load(file)
        texts = {video: [TOKEN.findall(str(text)) for text in raw[video]["text"]] for video in ids}
        vocabulary = word_ids(data["word2vec_path"], {word for said in texts.values() for words in said for word in words})
        starts, ends, tokens, token_at, first = [], [], [], [0], [0]
        for video in ids:
            starts.extend(raw[video]["start"])
            ends.extend(raw[video]["end"])
            for words in texts[video]:
                tokens.extend([vocabulary[word] for word in words if word in vocabulary][: data["max_words"]])
                token_at.append(len(tokens))
            first.append(len(starts))
        self.starts, self.ends = np.array(starts, np.float64), np.array(ends, np.float64)
        self.tokens, self.token_at, self.first = np.array(tokens, np.int32), np.array(token_at, np.int64), np.array(first, np.int64)


def grow(starts, ends, index, min_time):
    """The clip around a caption: neighbours join, the shorter side first, until it lasts min_time."""
    first = last = index
    joined = [index]
    while ends[last] - starts[first] < min_time:
        before, after = first > 0, last < len(starts) - 1
        if not before and not after:
            break
        if before and (not after or ends[last] - starts[first - 1] <= ends[last + 1] - starts[first]):
            first -= 1
            joined.append(first)
        else:
            last += 1
            joined.append(last)
    return starts[first], ends[last], joined


def frame_at(seconds):
    return int(np.floor((int(seconds * 16000) - 200) / 160))


class Videos(Dataset):
    def __init__(self, config):
        data = config["data"]
        with open(data["train_csv"], encoding="utf-8") as file:
            self.paths = [line.replace("None/", "") for line in file.read().split("\n")[1:] if line]
        self.ids = [path.rsplit("/", 1)[-1] for path in self.paths]
        self.captions = Captions(data, self.ids)
        self.seed = config["seed"]
        self.features, self.audio = data["features_path"], data["features_path_audio"]
        self.clips, self.frames, self.words = data["n_pair"], data["howto_audio_frames"], data["max_words"]
        self.min_time, self.rate = data["min_time"], data["feature_framerate"]

    def __len__(self):
        return len(self.paths)

    def pool(self, path, rate, clips):
        rows = torch.from_numpy(read_npz(path)).float().numpy()  # one conversion for all clips; torch's is vectorised
        out = np.zeros((len(clips), rows.shape[1]), np.float32)
        for i, (start, end, _) in enumerate(clips):
            part = rows[int(start * rate) : int(end * rate) + 1]
            if len(part):
                np.maximum.reduce(part, 0, out=out[i])
        out /= np.maximum(np.sqrt(np.einsum("ij,ij->i", out, out)), 1e-12)[:, None]
        return torch.from_numpy(out)

    def __getitem__(self, key):
        epoch, video = key
        c = self.captions
        first, end = c.first[video], c.first[video + 1]
        starts, ends = c.starts[first:end].tolist(), c.ends[first:end].tolist()
        draws = np.random.Generator(np.random.Philox(key=[self.seed, (epoch << 32) | video])).integers(0, len(starts), self.clips)
        clips = [grow(starts, ends, int(index), self.min_time) for index in draws]

        tokens = np.zeros((self.clips, self.words), np.int32)
        for row, (_, _, joined) in zip(tokens, clips):
            said = np.concatenate([c.tokens[c.token_at[first + i] : c.token_at[first + i + 1]] for i in joined])[: self.words]
            row[: len(said)] = said

        folder, name = self.paths[video], self.ids[video]
        base = os.path.join(self.features, folder, name)
        pooled = torch.cat([self.pool(base + "_2d.npz", self.rate, clips), self.pool(base + "_3d.npz", 1.5, clips)], 1)

        spectrogram = read_npz(os.path.join(self.audio, folder, name + "_spec.npz"))
        audio = np.zeros((self.clips, spectrogram.shape[0], self.frames), np.float16)
        counts = np.zeros(self.clips, np.int32)
        for i, (start, end, _) in enumerate(clips):
            begin = max(frame_at(start), 0)
            part = spectrogram[:, begin : min(max(frame_at(end), begin), begin + self.frames)]
            audio[i, :, : part.shape[1]] = part
            counts[i] = part.shape[1]
        return pooled, torch.from_numpy(audio), torch.from_numpy(counts), torch.from_numpy(tokens), video


class Endless(Sampler):
    """Batches of (epoch, video), every video once an epoch, without an end."""

    def __init__(self, videos, batch_size):
        self.videos, self.batch_size = videos, batch_size

    def __iter__(self):
        epoch = 0
        while True:
            order = torch.randperm(self.videos, generator=torch.Generator().manual_seed(epoch)).tolist()
            for at in range(0, self.videos - self.batch_size + 1, self.batch_size):
                yield [(epoch, video) for video in order[at : at + self.batch_size]]
            epoch += 1


def main():
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # it is only read
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    workers, seconds = int(sys.argv[2]), float(sys.argv[3])
    torch.set_num_threads(1 if workers else max(1, os.cpu_count()))  # the workers are the parallelism; alone, torch may use every core
    videos = Videos(config)
    loader = DataLoader(videos, batch_sampler=Endless(len(videos), config["data"]["batch_size"]), num_workers=workers, persistent_workers=workers > 0)
    batches = iter(loader)
    began = time.perf_counter()
    warmed = 0
    while warmed < 2 * max(workers, 1) or time.perf_counter() - began < 2:
        next(batches)
        warmed += 1
    print(json.dumps({"begin": True}), flush=True)
    clips, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        pooled = next(batches)[0]
        clips += pooled.shape[0] * pooled.shape[1]
    print(json.dumps({"clips": clips, "seconds": time.perf_counter() - began}), flush=True)
    sys.stdin.read()
    del batches, loader  # ends the workers


main()
