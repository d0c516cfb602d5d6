using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Cuts the spectrogram of a video into its clips (mcn-spec §3.6, step 4): frames of the clip, at most T, then padding. Decibels
/// stored in single or double precision are rounded to half, which is what the original demands on disk. Owned by one reader thread.
/// </summary>
sealed class SpectrogramCutter(DataCounters counters, bool negativeFirstFrame, bool padWithLoudest = true)
{
    /// <summary>Decibels of padding: the loudest value, as in the original (mcn-spec Q12), or the floor.</summary>
    readonly Half padding = PaddingOf(padWithLoudest);

    float[] singles = [];

    /// <summary>Decibels that fill up a spectrogram; the range of all of them is -80 to 0.</summary>
    public static Half PaddingOf(bool padWithLoudest) => padWithLoudest ? (Half)0 : (Half)(-80);

    /// <summary>Fills the audio rows of a video's clips.</summary>
    /// <param name="array">(bands, frames), floating point.</param>
    /// <param name="file">Where it comes from, for messages.</param>
    /// <param name="clips">P clips.</param>
    /// <param name="destination">(P, bands, limit).</param>
    /// <param name="limit">T.</param>
    /// <param name="frameCounts">Set to the valid frames of each clip.</param>
    public void Cut(HostArray array, string file, ReadOnlySpan<Clip> clips, Span<Half> destination, int limit, Span<int> frameCounts)
    {
        var (bands, frames) = (checked((int)array.Shape[0]), checked((int)array.Shape[1]));
        if (singles.Length < limit) singles = new float[limit];
        for (var i = 0; i < clips.Length; i++)
        {
            var slice = ClipSampler.AudioSlice(clips[i], frames, limit, negativeFirstFrame);
            frameCounts[i] = slice.Count;
            Count(counters, file, clips[i], frames, slice.Count, limit);
            for (var band = 0; band < bands; band++)
            {
                var row = destination.Slice(((i * bands) + band) * limit, limit);
                var valid = row[..slice.Count];
                Copy(array, (band * frames) + slice.First, valid);
                if (!AllFinite(valid)) throw NotFinite(file, band, slice, valid);
                row[slice.Count..].Fill(padding);
            }
        }
    }

    /// <summary>Counts a clip that reaches beyond the spectrogram.</summary>
    internal static void Count(DataCounters counters, string file, Clip clip, int frames, int valid, int limit)
    {
        if (valid == 0)
        {
            counters.AddWithoutAudio(file, clip, frames);
            return;
        }

        var expected = Math.Min(limit, ClipSampler.FrameAt(clip.End) - Math.Max(0, ClipSampler.FrameAt(clip.Start)));
        if (valid < expected) counters.AddShortAudio(file, clip, frames, valid, expected);
    }

    void Copy(HostArray array, int start, Span<Half> destination)
    {
        if (array.Type == ArrayType.Float16)
        {
            array.As<Half>().Slice(start, destination.Length).CopyTo(destination);
            return;
        }

        var row = singles.AsSpan(0, destination.Length);
        array.CopyTo(start, row);
        TensorPrimitives.ConvertToHalf(row, destination);
    }

    static UserError NotFinite(string file, int band, FrameSlice slice, ReadOnlySpan<Half> valid)
    {
        var frame = slice.First;
        while (Half.IsFinite(valid[frame - slice.First])) frame++;
        return new UserError(file, $"array `arr_0`, row {band}, frame {frame} holds NaN, infinity or a number too large for half precision",
            "decibels", "Compute the spectrogram of this video again or take it off data.train_csv");
    }

    /// <summary>No infinity and no NaN: an exponent of all ones. On the bits, because half arithmetic is not vectorised.</summary>
    internal static bool AllFinite(ReadOnlySpan<Half> values)
    {
        const ushort exponent = 0x7C00;
        var bits = MemoryMarshal.Cast<Half, ushort>(values);
        var mask = new Vector<ushort>(exponent);
        var i = 0;
        for (; i <= bits.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            if (Vector.EqualsAny(new Vector<ushort>(bits[i..]) & mask, mask)) return false;
        for (; i < bits.Length; i++)
            if ((bits[i] & exponent) == exponent) return false;
        return true;
    }
}
