namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// How hard the set is. Chosen so that the network of deploy/config/sample.json learns within its schedule on every seed tried (1 to 3), and is
/// not done long before; docs/results.md has the numbers. Another value is another set: raise ProtocolVersion.SampleSet with it.
/// </summary>
static class SampleDifficulty
{
    /// <summary>Size of a video's own style in the latent space of the frames; a thing's is 1.</summary>
    public const double Style = 0.6;

    /// <summary>Noise of a single feature row in the latent space.</summary>
    public const double RowNoise = 0.6;

    /// <summary>Deviation of the background in a spectrogram cell, dB.</summary>
    public const double AudioNoise = 3;

    /// <summary>Loudness of a sound above the mean background, dB, and how much a video's voice puts it off either way.</summary>
    public const double AudioLevel = 34;
    public const double AudioLevelSpread = 5;

    /// <summary>How many mel bands a voice is put off either way.</summary>
    public const double PitchSpread = 1;

    /// <summary>Deviation of a number in a word vector.</summary>
    public const double VectorSize = 0.2;

    /// <summary>Share of the words about thing, action or sound that a training caption lacks, and has wrong.</summary>
    public const double Missing = 0.05;
    public const double Wrong = 0.02;

    /// <summary>Share of the training scenes whose caption is about the scene after it.</summary>
    public const double Misaligned = 0.06;

    /// <summary>Share of the training sentences that are cut into two captions.</summary>
    public const double Cut = 0.1;
}
