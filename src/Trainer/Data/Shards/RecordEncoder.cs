using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Checking;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>Makes the record of a video out of the original's files: reads, checks, cuts, pools, quantises. One per packing thread.</summary>
sealed class RecordEncoder(RunConfig config, VideoList videos, CaptionSpool captions, PackEncoding encoding, int? captionsKept) : IDisposable
{
    readonly HowToLayout layout = new(config, videos, new DataCounters());
    readonly FeaturePooler pooler = new(new DataCounters());
    readonly FiniteScan scan = new();
    readonly List<int> joined = [];
    List<PackedMember> members = [];
    string id = "";

    /// <exception cref="UserError">The video cannot be used; says why.</exception>
    public PackedVideo Encode(int video)
    {
        id = videos.IdOf(video);
        members = [];
        var said = captions.Read(id);
        // Whoever keeps the first captions needs nothing of what comes after them.
        var end = captionsKept == said.Starts.Length ? said.Ends.Max() : double.PositiveInfinity;
        var width2d = Features(video, VideoPart.Features2d, config.Data.FeatureFramerate, said, end, 0);
        Features(video, VideoPart.Features3d, VideoReader.RowsPerSecond3d, said, end, width2d);
        Spectrogram(video, end);
        members.Add(new PackedMember(id + ShardFormat.Text, said.Json, null, null));
        return new PackedVideo(videos.PathOf(video), said.Starts.Length, members);
    }

    public void Dispose() => layout.Dispose();

    int Features(int video, VideoPart part, double rowsPerSecond, SpooledCaptions said, double end, int width2d)
    {
        var array = Read(video, part, out var file);
        var width = checked((int)array.Shape[1]);
        if (part == VideoPart.Features2d) VideoShapes.RequireWidth2d(array, file, config.Model.FeatureDim);
        else VideoShapes.RequireWidth3d(array, file, width2d, config.Model.FeatureDim);
        if (!encoding.IsPooled())
        {
            var rows = (int)Math.Min(array.Shape[0], Math.Truncate(end * rowsPerSecond) + 1);
            var kept = new HostArray(array.Type, [rows, width], array.Data[..(rows * width * HostArray.SizeOf(array.Type))]);
            var name = part == VideoPart.Features2d ? ShardFormat.Features2d : ShardFormat.Features3d;
            if (encoding.Is8Bit()) AddRows(name, kept.ToSingles(), rows, width, keepLength: false);
            else Add(name, kept.Type, kept.Shape, kept.Data.Span);
            return width;
        }

        var clips = new Clip[said.Starts.Length];
        for (var i = 0; i < clips.Length; i++) clips[i] = ClipSampler.Grow(said.Starts, said.Ends, i, config.Data.MinTime, joined);
        var pooled = new float[clips.Length * width];
        pooler.Pool(array, file, rowsPerSecond, clips, pooled, width, 0, new bool[clips.Length]);
        var suffix = part == VideoPart.Features2d ? ShardFormat.Pooled2d : ShardFormat.Pooled3d;
        if (encoding.Is8Bit()) AddRows(suffix, pooled, clips.Length, width, keepLength: true);
        else Add(suffix, ArrayType.Float32, [clips.Length, width], MemoryMarshal.AsBytes(pooled.AsSpan()));
        return width;
    }

    void Spectrogram(int video, double end)
    {
        var array = Read(video, VideoPart.Spectrogram, out var file);
        VideoShapes.RequireBands(array, file, config.Model.MelBands);
        var (bands, all) = ((int)array.Shape[0], (int)array.Shape[1]);
        var frames = double.IsFinite(end) ? (int)Math.Clamp(ClipSampler.FrameAt(end), 0, all) : all;
        var size = HostArray.SizeOf(array.Type);
        var kept = new byte[bands * frames * size];
        for (var band = 0; band < bands; band++)
            for (var frame = 0; frame < frames; frame++)
                array.Data.Span.Slice(((band * all) + frame) * size, size).CopyTo(kept.AsSpan(((frame * bands) + band) * size, size));
        if (!encoding.Is8Bit())
        {
            Add(ShardFormat.Spectrogram, array.Type, [bands, frames], kept, byFrames: true);
            return;
        }

        var decibels = new float[bands * frames];
        HostArray.ToSingles(array.Type, kept, decibels);
        var (scale, offset) = EightBit.Decibels;
        if (decibels.AsSpan().ContainsAnyExceptInRange(-80f, 0f)) (scale, offset) = EightBit.RangeOf(decibels);
        var bytes = new byte[decibels.Length];
        EightBit.Quantise(decibels, scale, offset, bytes);
        Add(ShardFormat.Spectrogram, ArrayType.UInt8, [bands, frames], bytes, byFrames: true);
        Add(ShardFormat.ScaleOf(ShardFormat.Spectrogram), ArrayType.Float32, [1, 2], MemoryMarshal.AsBytes<float>([scale, offset]));
    }

    /// <param name="keepLength">The rows have length 1 (or 0), and shall have it again when they are expanded.</param>
    void AddRows(string suffix, float[] values, int rows, int width, bool keepLength)
    {
        var bytes = new byte[values.Length];
        var scales = new float[rows * 2];
        var expanded = new float[width];
        for (var row = 0; row < rows; row++)
        {
            var (scale, offset) = EightBit.RangeOf(values.AsSpan(row * width, width));
            var packed = bytes.AsSpan(row * width, width);
            EightBit.Quantise(values.AsSpan(row * width, width), scale, offset, packed);
            if (keepLength && (scale != 0 || offset != 0))
            {
                EightBit.Expand(packed, scale, offset, expanded);
                var length = FeaturePooler.Length(expanded);
                (scale, offset) = (scale / length, offset / length);
            }

            (scales[row * 2], scales[(row * 2) + 1]) = (scale, offset);
        }

        Add(suffix, ArrayType.UInt8, [rows, width], bytes);
        Add(ShardFormat.ScaleOf(suffix), ArrayType.Float32, [rows, 2], MemoryMarshal.AsBytes(scales.AsSpan()));
    }

    HostArray Read(int video, VideoPart part, out string file)
    {
        var array = layout.Read(video, part, out file);
        if (scan.FirstNotFinite(array) is >= 0 and var at)
        {
            throw new UserError(file, FormattableString.Invariant($"value [{at / array.Shape[1]}, {at % array.Shape[1]}] is NaN or infinite"), "finite numbers",
                "Compute the file again or take the video off data.train_csv");
        }

        return array;
    }

    void Add(string suffix, ArrayType type, long[] shape, ReadOnlySpan<byte> values, bool byFrames = false)
    {
        var header = NpyHeader.Format(type, shape, id, fortranOrder: byFrames);
        var bytes = new byte[header.Length + values.Length];
        header.CopyTo(bytes, 0);
        values.CopyTo(bytes.AsSpan(header.Length));
        members.Add(new PackedMember(id + suffix, bytes, type, shape));
    }
}
