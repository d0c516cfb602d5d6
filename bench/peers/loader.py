"""The peer of `bench loader`: an idiomatic PyTorch Dataset + DataLoader that does the work of our loader on the same files.

usage: loader.py CONFIG WORKERS SECONDS   (CONFIG: a resolved configuration of ours; prints `begin` when warm, then the result)

Written to be fast, and made faster by a second of us: captions live in flat NumPy arrays (no objects that forked workers would copy), each file
of a video is read once and into the same buffer, pooling is vectorised over rows (torch converts, NumPy takes the maximum: the fastest of
the timed variants), audio stays half precision, text is token ids, a batch is allocated once, in shared memory, and filled in place, workers
are persistent, and one endless sampler keeps their queues full over the ends of epochs. It checks the CRC, as ours and np.load do.
"""
import functools
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


class Npz:
    """Reads the one array of an npz, each file into the same buffer: fresh megabytes would cost a page fault for every 4 KB.

    np.load copies through Python's zip streams; this makes one read and an array over its bytes, with the same CRC check.
    """

    def __init__(self):
        self.buffer = bytearray()

    def read(self, path):
        """Valid until the next call."""
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if len(self.buffer) < size:
                self.buffer = bytearray(size)
            raw = memoryview(self.buffer)[:size]
            if file.readinto(raw) != size:
                raise ValueError(path + ": short read")
        # The end record, its directory entry, the local header; zipfile makes objects for the same.
        end = self.buffer.rindex(b"PK\x05\x06", max(0, size - 65557), size)
        entry = struct.unpack_from("<I", raw, end + 16)[0]
        method, _, _, crc, packed, content = struct.unpack_from("<HHHIII", raw, entry + 10)
        header = struct.unpack_from("<I", raw, entry + 42)[0]
        if 0xFFFFFFFF in (packed, content, header):
            member = zipfile.ZipFile(path).infolist()[0]  # zip64, as numpy writes it for a stream
            packed, content, header = member.compress_size, member.file_size, member.header_offset
        name, extra = struct.unpack_from("<HH", raw, header + 26)
        at = header + 30 + name + extra
        data = raw[at : at + packed]
        if method == zipfile.ZIP_DEFLATED:
            data = zlib.decompress(data, -15, content)
        if zlib.crc32(data) != crc:
            raise ValueError(path + ": wrong CRC")
        length = struct.unpack_from("<H", data, 8)[0]
        shape, dtype = npy_header(bytes(data[10 : 10 + length]))
        return np.frombuffer(data, dtype, offset=10 + length).reshape(shape)


@functools.lru_cache(maxsize=4096)
def npy_header(text):
    """Shape and type; the headers of files of one length are the same, and NumPy parses each with Python's tokenizer."""
    shape, _, dtype = np.lib.format.read_array_header_1_0(io.BytesIO(struct.pack("<H", len(text)) + text))
    return shape, dtype


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
    return (int(seconds * 16000) - 200) // 160


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
        self.width, self.bands = config["model"]["feature_dim"], config["model"]["mel_bands"]
        self.npz, self.rows = Npz(), torch.empty(0)

    def __len__(self):
        return len(self.paths)

    def pool(self, path, rate, clips, out):
        """Max over the rows of each clip, then length 1, into out (clips, width)."""
        halves = torch.from_numpy(self.npz.read(path))
        if self.rows.numel() < halves.numel():
            self.rows = torch.empty(halves.numel())
        rows = self.rows[: halves.numel()].view(halves.shape).copy_(halves).numpy()  # one conversion for all clips; torch's is vectorised
        for row, (start, end, _) in zip(out, clips):
            part = rows[int(start * rate) : int(end * rate) + 1]
            if len(part):
                np.maximum.reduce(part, 0, out=row)
            else:
                row[:] = 0
        out /= np.maximum(np.sqrt(np.einsum("ij,ij->i", out, out)), 1e-12)[:, None]

    def __getitem__(self, keys):
        """A whole batch: every clip is written where the batch has it, once."""
        n = len(keys) * self.clips
        pooled, audio = shared((n, self.width), torch.float32), shared((n, self.bands, self.frames), torch.float16)
        counts, tokens = shared((n,), torch.int32), shared((n, self.words), torch.int32)
        tokens.zero_()
        for slot, (epoch, video) in enumerate(keys):
            at = slice(slot * self.clips, (slot + 1) * self.clips)
            self.fill(epoch, video, pooled[at].numpy(), audio[at].numpy(), counts[at].numpy(), tokens[at].numpy())
        return pooled, audio, counts, tokens, torch.tensor([video for _, video in keys])

    def fill(self, epoch, video, pooled, audio, counts, tokens):
        c = self.captions
        first, end = c.first[video], c.first[video + 1]
        starts, ends = c.starts[first:end].tolist(), c.ends[first:end].tolist()
        draws = np.random.Generator(np.random.Philox(key=[self.seed, (epoch << 32) | video])).integers(0, len(starts), self.clips)
        clips = [grow(starts, ends, index, self.min_time) for index in draws.tolist()]
        for row, (_, _, joined) in zip(tokens, clips):
            said = np.concatenate([c.tokens[c.token_at[first + i] : c.token_at[first + i + 1]] for i in joined])[: self.words]
            row[: len(said)] = said

        folder, name = self.paths[video], self.ids[video]
        base = os.path.join(self.features, folder, name)
        width2d = self.pool2d(base + "_2d.npz", clips, pooled)
        self.pool(base + "_3d.npz", 1.5, clips, pooled[:, width2d:])

        spectrogram = self.npz.read(os.path.join(self.audio, folder, name + "_spec.npz"))
        for i, (start, end, _) in enumerate(clips):
            begin = max(frame_at(start), 0)
            part = spectrogram[:, begin : min(max(frame_at(end), begin), begin + self.frames)]
            length = part.shape[1]
            audio[i, :, :length] = part
            audio[i, :, length:] = 0
            counts[i] = length

    def pool2d(self, path, clips, pooled):
        width = self.npz.read(path).shape[1] if not hasattr(self, "width2d") else self.width2d
        self.width2d = width
        self.pool(path, self.rate, clips, pooled[:, :width])
        return width


def shared(shape, dtype):
    """An uninitialised tensor; in a worker in shared memory from the start, as torch's own collate function has it."""
    count = int(np.prod(shape))
    if torch.utils.data.get_worker_info() is None:
        return torch.empty(shape, dtype=dtype)
    storage = torch.empty(0, dtype=dtype).storage()._new_shared(count)
    return torch.empty(0, dtype=dtype).set_(storage).view(shape)


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
    loader = DataLoader(videos, batch_size=None, sampler=Endless(len(videos), config["data"]["batch_size"]), num_workers=workers, persistent_workers=workers > 0)
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
        clips += len(pooled)
    print(json.dumps({"clips": clips, "seconds": time.perf_counter() - began}), flush=True)
    sys.stdin.read()
    del batches, loader  # ends the workers


main()
