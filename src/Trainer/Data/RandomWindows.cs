namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Audio windows drawn at whole seconds, whatever is said there: the original's random_audio_windows=1, AVLnet's way without text
/// (mcn-spec §3.6). The published recipe draws captions instead (<see cref="ClipSampler"/>). Pure.
/// </summary>
public sealed class RandomWindows
{
    const double SamplesPerFrame = 160;
    const double HalfWindow = 200;
    const double SampleRate = 16000;

    readonly int spectrogramFrames;
    readonly int windowFrames;
    readonly int windowSeconds;

    /// <param name="spectrogramFrames">Columns of the video's spectrogram.</param>
    /// <param name="windowFrames">Frames kept of a window.</param>
    public RandomWindows(int spectrogramFrames, int windowFrames)
    {
        this.spectrogramFrames = spectrogramFrames;
        this.windowFrames = windowFrames;
        windowSeconds = (int)TimeOf(windowFrames);
        Starts = Math.Max(1, (int)TimeOf(spectrogramFrames) - (windowSeconds + 1));
    }

    /// <summary>How many starts there are: whole seconds 0 .. Starts - 1, equally likely.</summary>
    public int Starts { get; }

    /// <summary>The seconds of the window that begins at a start.</summary>
    public (double Start, double End) At(int start) => (start, start + windowSeconds);

    /// <summary>Its frames within the spectrogram; what is missing at the end is padded with zeros.</summary>
    public FrameSlice FramesOf(int start)
    {
        var first = (int)Math.Clamp(ClipSampler.FrameAt(start), 0, spectrogramFrames);
        return new FrameSlice(first, Math.Min(windowFrames, spectrogramFrames - first));
    }

    static double TimeOf(int frame) => ((frame * SamplesPerFrame) + HalfWindow) / SampleRate;
}
