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

/// <summary>Where the features of the listed videos come from: the original's folders or packed shards. One per reader thread.</summary>
public interface IVideoSource : IDisposable
{
    /// <summary>How often the video of a slot was visited before in this epoch (data.echo); each visit draws clips of its own.</summary>
    int VisitOf(Batch batch, int slot);

    /// <summary>Fills the features, spectrograms and frame counts of a slot.</summary>
    /// <param name="batch">Videos and CaptionIndices of the slot are set.</param>
    /// <param name="slot">Position of the video in the batch.</param>
    /// <param name="clips">P clips, grown from the drawn captions.</param>
    /// <exception cref="Shared.UserError">Missing, torn, or not what its place promises.</exception>
    void Fill(Batch batch, int slot, ReadOnlySpan<Clip> clips);
}
