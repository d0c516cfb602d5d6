using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// The features of the listed videos out of a pack. Reads the bytes of one clip at a time, so a reader holds some 100 KB, not a video,
/// and the disk gives only what a batch needs: from the shards that a <see cref="WindowStream"/> has in memory, else from the file. The
/// first time that a process meets a record, all of its checksums are compared (data.verify_checksums). One per reader thread.
/// </summary>
/// <param name="recordOfVideo">From <see cref="ShardStore.Map"/>.</param>
/// <param name="windows">Shards in memory; null: there are none.</param>
public sealed class ShardSource(RunConfig config, ShardStore store, int[] recordOfVideo, DataCounters counters, WindowStream? windows) : IVideoSource
{
    /// <summary>A piece that is read at one time, unless a single row is longer.</summary>
    const int PieceBytes = 128 << 10;

    readonly FeaturePooler pooler = new(counters);
    readonly SpectrogramTurner turner = new(SpectrogramCutter.PaddingOf(config.Compatibility.PadWithLoudest));
    readonly bool isPooled = store.Encoding.IsPooled();
    readonly bool[] lacksRows = new bool[config.Data.NPair];
    byte[] piece = [];
    byte[] scalePiece = [];

    // The record of the slot being filled.
    int record;
    byte[]? shard;
    string path = "";

    public int VisitOf(Batch batch, int slot) => windows?.VisitOf(batch, slot) ?? 0;

    public void Fill(Batch batch, int slot, ReadOnlySpan<Clip> clips)
    {
        record = recordOfVideo[batch.Videos[slot]];
        shard = windows?.ShardOf(batch, slot, store.ShardOf(record));
        path = store.PathOf(record);
        if (config.Data.VerifyChecksums && !store.IsVerified(record)) Verify();

        var (first, second) = (store.Part(record, isPooled ? ShardArray.Pooled2d : ShardArray.Features2d), store.Part(record, isPooled ? ShardArray.Pooled3d : ShardArray.Features3d));
        VideoShapes.RequireWidth(first.Columns, second.Columns, path, batch.Shape.VideoWidth);
        lacksRows.AsSpan().Clear();
        Features(first, config.Data.FeatureFramerate, clips, batch, slot, 0);
        Features(second, VideoReader.RowsPerSecond3d, clips, batch, slot, first.Columns);
        Spectrograms(batch, slot, clips);
    }

    /// <summary>The store belongs to the run, not to a reader.</summary>
    public void Dispose()
    {
    }

    /// <summary>Fills a range of columns of the slot's clips.</summary>
    void Features(in ShardPart part, double rowsPerSecond, ReadOnlySpan<Clip> clips, Batch batch, int slot, int column)
    {
        var rows = batch.RowsOf(batch.Video, slot);
        var captions = batch.RowsOf(batch.CaptionIndices, slot);
        var scales = part.Type == ArrayType.UInt8 ? Scales(part) : []; // of all rows at once: 8 bytes a second of video are no read of their own
        for (var i = 0; i < clips.Length; i++)
        {
            var destination = rows.Slice((i * batch.Shape.VideoWidth) + column, part.Columns);
            if (isPooled ? Pooled(part, scales, captions[i], destination) : Pool(part, scales, ClipSampler.FeatureRows(clips[i], rowsPerSecond, part.Rows), destination)) continue;
            if (!lacksRows[i]) counters.AddWithoutRows(path, clips[i], isPooled ? 0 : part.Rows);
            lacksRows[i] = true;
        }
    }

    /// <returns>Whether there is a row.</returns>
    bool Pool(in ShardPart part, ReadOnlySpan<float> scales, FrameSlice slice, Span<float> destination)
    {
        if (slice.Count == 0)
        {
            destination.Clear();
            return false;
        }

        var most = Math.Max(1, PieceBytes / part.RowBytes);
        for (var done = 0; done < slice.Count; done += most)
        {
            var at = new FrameSlice(slice.First + done, Math.Min(most, slice.Count - done));
            var bytes = Rows(part, at, ref piece);
            if (part.Type == ArrayType.UInt8) FeaturePooler.Add(bytes, scales.Slice(2 * at.First, 2 * at.Count), path, at.First, isFirst: done == 0, destination);
            else pooler.Add(part.Type, bytes, path, at.First, isFirst: done == 0, destination);
        }

        pooler.Finish(part.Type, destination);
        return true;
    }

    /// <summary>A row as it was pooled when the shards were packed.</summary>
    /// <returns>Whether it holds anything.</returns>
    bool Pooled(in ShardPart part, ReadOnlySpan<float> scales, int caption, Span<float> destination)
    {
        if (caption >= part.Rows) throw new UserError(path, $"{part.Rows} pooled rows", $"one for caption {caption}", ShardCheck.Remedy);
        var bytes = Rows(part, new FrameSlice(caption, 1), ref piece);
        if (part.Type == ArrayType.UInt8) EightBit.Expand(bytes, scales[2 * caption], scales[(2 * caption) + 1], destination);
        else HostArray.ToSingles(part.Type, bytes, destination);
        return destination.ContainsAnyExcept(0f);
    }

    /// <summary>Scale and offset of each row of an array; valid until the next call.</summary>
    ReadOnlySpan<float> Scales(scoped in ShardPart part)
    {
        var scales = store.Part(record, part.Array + 1);
        if (scales is not { Type: ArrayType.Float32, Columns: 2 })
            throw new UserError(path, $"scales of {scales.Columns} columns, {scales.Type}", "2 columns in single precision", ShardCheck.Remedy);
        return MemoryMarshal.Cast<byte, float>(Rows(scales, new FrameSlice(0, part.Array == ShardArray.Spectrogram ? 1 : part.Rows), ref scalePiece));
    }

    void Spectrograms(Batch batch, int slot, ReadOnlySpan<Clip> clips)
    {
        var part = store.Part(record, ShardArray.Spectrogram);
        var (bands, limit) = (batch.Shape.MelBands, batch.Shape.Frames);
        VideoShapes.RequireBands(part.Columns, path, bands);
        if (part.Type == ArrayType.UInt8)
        {
            var scale = Scales(part);
            turner.Begin(scale[0], scale[1]);
        }

        var audio = batch.RowsOf(batch.Audio, slot);
        var counts = batch.RowsOf(batch.FrameCounts, slot);
        var most = Math.Max(1, PieceBytes / part.RowBytes);
        for (var i = 0; i < clips.Length; i++)
        {
            var slice = ClipSampler.AudioSlice(clips[i], part.Rows, limit, config.Compatibility.NegativeFirstFrame);
            counts[i] = slice.Count;
            SpectrogramCutter.Count(counters, path, clips[i], part.Rows, slice.Count, limit);
            var destination = audio.Slice(i * bands * limit, bands * limit);
            for (var done = 0; done < slice.Count; done += most)
            {
                var at = new FrameSlice(slice.First + done, Math.Min(most, slice.Count - done));
                turner.Turn(part.Type, Rows(part, at, ref piece), path, at, bands, limit, destination[done..]);
            }

            turner.Pad(slice.Count, bands, limit, destination);
        }
    }

    /// <summary>Consecutive rows of an array; valid until the next call with the same buffer.</summary>
    ReadOnlySpan<byte> Rows(scoped in ShardPart part, FrameSlice slice, ref byte[] buffer)
    {
        if (slice.First + slice.Count > part.Rows) throw new UserError(path, $"{part.Rows} rows of {part.Array}", $"row {slice.First + slice.Count - 1}", ShardCheck.Remedy);
        return Bytes(part.Offset + part.HeaderBytes + ((long)slice.First * part.RowBytes), slice.Count * part.RowBytes, ref buffer);
    }

    ReadOnlySpan<byte> Bytes(long offset, int count, ref byte[] buffer)
    {
        if (shard is not null) return shard.AsSpan((int)offset, count);
        if (buffer.Length < count) buffer = GC.AllocateUninitializedArray<byte>(count);
        var bytes = buffer.AsSpan(0, count);
        store.Read(store.ShardOf(record), offset, bytes, counters.Reads);
        return bytes;
    }

    // In pieces: a whole record of the published shapes is megabytes, and every reader would keep them.
    void Verify()
    {
        foreach (ref readonly var part in store.PartsOf(record))
        {
            var hash = new System.IO.Hashing.XxHash3();
            for (var done = 0; done < part.Length;)
            {
                var bytes = Bytes(part.Offset + done, Math.Min(PieceBytes, part.Length - done), ref piece);
                hash.Append(bytes);
                done += bytes.Length;
            }

            if (hash.GetCurrentHashAsUInt64() is var found && found != part.Hash)
                throw ShardCheck.Wrong(path, $"a member {ShardFormat.SuffixOf(part.Array)}", part.Offset, ShardCheck.Hex(found), ShardCheck.Hex(part.Hash));
        }

        store.MarkVerified(record);
    }
}
