namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// What a clip is about. Thing and action are seen and said, the sound is heard and said, and the place is seen and heard but never
/// said: so every pair of modalities shares something, and no modality tells all.
/// </summary>
/// <remarks>
/// The action was heard too at first. Runs that learnt it in the audio before the sounds, which depended on the seed, then did not
/// learn the sounds within the schedule: t2va R@1 0.22 instead of 0.45.
/// </remarks>
readonly record struct SampleClip(int Thing, int Action, int Sound, int Place)
{
    public const int Things = 12;
    public const int Actions = 8;
    public const int Sounds = 12;
    public const int Places = 8;

    /// <summary>Everything a sentence can say.</summary>
    public const int Sayings = Things * Actions * Sounds;

    public static SampleClip Of(int saying, int place) =>
        new(saying / (Actions * Sounds), saying / Sounds % Actions, saying % Sounds, place);
}

/// <summary>What the random numbers of a set decide: first coordinate of their key; the second is a video's or clip's index.</summary>
enum SamplePart
{
    Plan = 1,
    Camera = 2,
    Frames = 3,
    Places = 4,
    Audio = 5,
    Sentences = 6,
    Vectors = 7,
    Shuffle = 8,
    Captions = 9,
}
