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
    float[] expanded = [];

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

        var width = batch.Shape.VideoWidth;
        var (first, second) = (store.Part(record, isPooled ? ShardArray.Pooled2d : ShardArray.Features2d), store.Part(record, isPooled ? ShardArray.Pooled3d : ShardArray.Features3d));
        VideoShapes.RequireWidth(first.Columns, second.Columns, path, width);
        var rows = batch.RowsOf(batch.Video, slot);
        var captions = batch.RowsOf(batch.CaptionIndices, slot);
        for (var i = 0; i < clips.Length; i++)
        {
            var row = rows.Slice(i * width, width);
            var has2d = Features(first, clips[i], captions[i], config.Data.FeatureFramerate, row[..first.Columns]);
            var has3d = Features(second, clips[i], captions[i], VideoReader.RowsPerSecond3d, row[first.Columns..]);
            if (!has2d || !has3d) counters.AddWithoutRows(path, clips[i], isPooled ? 0 : has2d ? second.Rows : first.Rows);
        }

        Spectrograms(batch, slot, clips);
    }

    /// <summary>The store belongs to the run, not to a reader.</summary>
    public void Dispose()
    {
    }

    /// <returns>Whether the clip has a row.</returns>
    bool Features(in ShardPart part, Clip clip, int caption, double rowsPerSecond, Span<float> destination)
    {
        if (isPooled)
        {
            Pooled(part, caption, destination);
            return destination.ContainsAnyExcept(0f);
        }

        var slice = ClipSampler.FeatureRows(clip, rowsPerSecond, part.Rows);
        if (slice.Count == 0)
        {
            destination.Clear();
            return false;
        }

        var most = Math.Max(1, PieceBytes / part.RowBytes);
        var type = part.Type == ArrayType.UInt8 ? ArrayType.Float32 : part.Type;
        for (var done = 0; done < slice.Count; done += most)
        {
            var at = new FrameSlice(slice.First + done, Math.Min(most, slice.Count - done));
            var bytes = Rows(part, at, ref piece);
            if (part.Type == ArrayType.UInt8) bytes = Expanded(part, at, bytes);
            pooler.Add(type, bytes, path, at.First, isFirst: done == 0, destination);
        }

        pooler.Finish(type, destination);
        return true;
    }

    /// <summary>A row as it was pooled when the shards were packed.</summary>
    void Pooled(in ShardPart part, int caption, Span<float> destination)
    {
        if (caption >= part.Rows) throw new UserError(path, $"{part.Rows} pooled rows", $"one for caption {caption}", ShardCheck.Remedy);
        var at = new FrameSlice(caption, 1);
        var bytes = Rows(part, at, ref piece);
        if (part.Type != ArrayType.UInt8)
        {
            HostArray.ToSingles(part.Type, bytes, destination);
            return;
        }

        var scale = Scales(part, at);
        EightBit.Expand(bytes, scale[0], scale[1], destination);
    }

    ReadOnlySpan<byte> Expanded(scoped in ShardPart part, FrameSlice slice, ReadOnlySpan<byte> bytes)
    {
        if (expanded.Length < bytes.Length) expanded = GC.AllocateUninitializedArray<float>(bytes.Length);
        var scales = Scales(part, slice);
        for (var row = 0; row < slice.Count; row++)
        {
            var (at, width) = (row * part.Columns, part.Columns);
            EightBit.Expand(bytes.Slice(at, width), scales[2 * row], scales[(2 * row) + 1], expanded.AsSpan(at, width));
        }

        return MemoryMarshal.AsBytes(expanded.AsSpan(0, bytes.Length));
    }

    /// <summary>Scale and offset of each of the rows.</summary>
    ReadOnlySpan<float> Scales(scoped in ShardPart part, FrameSlice slice)
    {
        var scales = store.Part(record, part.Array + 1);
        if (scales is not { Type: ArrayType.Float32, Columns: 2 })
            throw new UserError(path, $"scales of {scales.Columns} columns, {scales.Type}", "2 columns in single precision", ShardCheck.Remedy);
        return MemoryMarshal.Cast<byte, float>(Rows(scales, slice, ref scalePiece));
    }

    void Spectrograms(Batch batch, int slot, ReadOnlySpan<Clip> clips)
    {
        var part = store.Part(record, ShardArray.Spectrogram);
        var (bands, limit) = (batch.Shape.MelBands, batch.Shape.Frames);
        VideoShapes.RequireBands(part.Columns, path, bands);
        turner.Begin(part.Type == ArrayType.UInt8 ? Scales(part, new FrameSlice(0, 1)) : []);
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
