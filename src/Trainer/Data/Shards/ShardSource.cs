using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>The arrays of the listed videos out of a pack: one read a video, 8-bit values expanded. One per reader thread.</summary>
/// <param name="recordOfVideo">From <see cref="ShardStore.Map"/>.</param>
public sealed class ShardSource(ShardStore store, int[] recordOfVideo, ReadMeter? meter) : IVideoSource
{
    readonly HostArray?[] found = new HostArray?[ShardStore.Suffixes.Length];
    byte[] buffer = [];
    byte[] expanded = [];
    string path = "";
    int current = -1;

    public bool IsPooled { get; } = store.Encoding.IsPooled();

    public HostArray Read(int video, VideoPart part, out string subject)
    {
        Load(video, isFirst: part == VideoPart.Features2d);
        subject = path;
        var suffix = part switch
        {
            VideoPart.Features2d => ShardFormat.Features2d,
            VideoPart.Features3d => ShardFormat.Features3d,
            _ => ShardFormat.Spectrogram,
        };
        var array = Find(suffix);
        if (array.Type != ArrayType.UInt8) return array;
        var scales = ScalesOf(suffix, part == VideoPart.Spectrogram ? 1 : array.Shape[0]);
        return part == VideoPart.Spectrogram ? Decibels(array, scales) : Rows(array, scales);
    }

    public void ReadPooled(int video, ReadOnlySpan<int> captions, Span<float> destination, int width, out int width2d, out string subject)
    {
        Load(video, isFirst: true);
        subject = path;
        var array = Find(ShardFormat.Pooled2d);
        width2d = VideoShapes.RequireWidth2d(array, path, width);
        Copy(array, ShardFormat.Pooled2d, captions, destination, width, 0);
        array = Find(ShardFormat.Pooled3d);
        VideoShapes.RequireWidth3d(array, path, width2d, width);
        Copy(array, ShardFormat.Pooled3d, captions, destination, width, width2d);
    }

    /// <summary>The store belongs to the run, not to a reader.</summary>
    public void Dispose()
    {
    }

    void Load(int video, bool isFirst)
    {
        if (!isFirst && current == video) return;
        current = -1;
        path = store.Read(recordOfVideo[video], ref buffer, found, meter);
        current = video;
    }

    HostArray Find(string suffix)
    {
        var array = found[Array.IndexOf(ShardStore.Suffixes, suffix)];
        return array is { Shape.Length: 2 } ? array : throw new UserError(path, $"a record without a matrix {suffix}", $"an array for encoding {store.Manifest.Encoding}", ShardCheck.Remedy);
    }

    ReadOnlySpan<float> ScalesOf(string suffix, long rows)
    {
        var scales = Find(ShardFormat.ScaleOf(suffix));
        if (scales.Type == ArrayType.Float32 && scales.Shape[0] == rows && scales.Shape[1] == 2) return scales.As<float>();
        throw new UserError(path, $"scales of shape ({string.Join(", ", scales.Shape)}) for {suffix}", $"({rows}, 2)", ShardCheck.Remedy);
    }

    void Copy(HostArray array, string suffix, ReadOnlySpan<int> captions, Span<float> destination, int stride, int column)
    {
        var width = (int)array.Shape[1];
        var scales = array.Type == ArrayType.UInt8 ? ScalesOf(suffix, array.Shape[0]) : default;
        for (var i = 0; i < captions.Length; i++)
        {
            var caption = captions[i];
            if (caption >= array.Shape[0]) throw new UserError(path, $"{array.Shape[0]} pooled rows", $"one for caption {caption}", ShardCheck.Remedy);
            var row = destination.Slice((i * stride) + column, width);
            if (array.Type == ArrayType.UInt8) EightBit.Expand(array.Data.Span.Slice(caption * width, width), scales[2 * caption], scales[(2 * caption) + 1], row);
            else array.CopyTo(caption * width, row);
        }
    }

    HostArray Rows(HostArray array, ReadOnlySpan<float> scales)
    {
        var (rows, width) = ((int)array.Shape[0], (int)array.Shape[1]);
        var values = MemoryMarshal.Cast<byte, float>(Scratch(rows * width * sizeof(float)));
        for (var row = 0; row < rows; row++)
            EightBit.Expand(array.Data.Span.Slice(row * width, width), scales[2 * row], scales[(2 * row) + 1], values.Slice(row * width, width));
        return new HostArray(ArrayType.Float32, array.Shape, expanded.AsMemory(0, rows * width * sizeof(float)));
    }

    HostArray Decibels(HostArray array, ReadOnlySpan<float> scales)
    {
        var bytes = array.Data.Length * 2;
        EightBit.Expand(array.Data.Span, scales[0], scales[1], MemoryMarshal.Cast<byte, Half>(Scratch(bytes)));
        return new HostArray(ArrayType.Float16, array.Shape, expanded.AsMemory(0, bytes));
    }

    Span<byte> Scratch(int bytes)
    {
        if (expanded.Length < bytes) expanded = GC.AllocateUninitializedArray<byte>(bytes);
        return expanded.AsSpan(0, bytes);
    }
}
