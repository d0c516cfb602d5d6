using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>The arrays of a video.</summary>
public enum VideoPart
{
    /// <summary>(rows, width), 1 row a second.</summary>
    Features2d,

    /// <summary>(rows, width), 1.5 rows a second.</summary>
    Features3d,

    /// <summary>(mel bands, frames), decibels.</summary>
    Spectrogram,
}

/// <summary>Where the arrays of the listed videos come from: the original's folders or packed shards. One per reader thread.</summary>
public interface IVideoSource : IDisposable
{
    /// <summary>Whether <see cref="ReadPooled"/> takes the place of the two feature arrays.</summary>
    bool IsPooled { get; }

    /// <summary>An array of a video. Parts are asked for in their order; the memory is valid until the next call.</summary>
    /// <param name="video">Row of the video list.</param>
    /// <param name="part">Which array.</param>
    /// <param name="subject">Where it comes from, for messages.</param>
    /// <exception cref="Shared.UserError">Missing, torn, or not what its place promises.</exception>
    HostArray Read(int video, VideoPart part, out string subject);

    /// <summary>The pooled features of some captions of a video, each with its own clip window: rows of <paramref name="width"/> values.</summary>
    void ReadPooled(int video, ReadOnlySpan<int> captions, Span<float> destination, int width, out int width2d, out string subject);
}
