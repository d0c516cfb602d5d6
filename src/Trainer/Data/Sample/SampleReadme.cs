using System.Globalization;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>README.txt of a set.</summary>
static class SampleReadme
{
    public static string Text(long seed, bool shuffled, int captions) => string.Create(CultureInfo.InvariantCulture, $"""
        Sample set of Mcn.Web: generated numbers, no recordings. Seed {seed}.
        {(shuffled ? "CONTROL: the texts of the training captions are permuted over all captions, so they say nothing about their clips." : "")}

        train/videos.csv                     {SamplePlan.Videos} videos, column `path`
        train/caption.pickle                 video id -> start, end (s), text: {captions} captions of {SamplePlan.Videos * SamplePlan.ScenesPerVideo} scenes
        train/parsed_videos/PATH/ID_2d.npz   `features`, float32, T x {SampleCamera.Width}, 1 row/s
        train/parsed_videos/PATH/ID_3d.npz   `features`, float16, T x {SampleCamera.Width}, 1.5 rows/s
        train/parsed_videos/PATH/ID_spec.npz `arr_0`, float16, {SampleMicrophone.Bands} x F, dB (0 loudest, -80 floor), 100 frames/s
        train/words.bin                      {SampleWords.Known.Count} word vectors of 300 (word2vec's binary format), random numbers
        heldout.pkl                          {SamplePlan.HeldOut} clips: 2d, 3d (maximum over time), audio (torch half), caption, id
        manifest.json                        version and seed; written last

        A clip has a thing (1 of {SampleClip.Things}: seen and said), an action ({SampleClip.Actions}: seen and said), a sound ({SampleClip.Sounds}: heard and said) and a
        place ({SampleClip.Places}: seen and heard, never said). The frames are a fixed random network of them and of a style and noise of the
        video; the audio has patterns in time and frequency, done by a voice of the video over a noisy background; the
        captions are templates with synonyms, fillers, wrong, missing and unknown words. Each held-out clip has a (thing,
        action, sound) of its own that is in no training clip, and a style, voice and noise of its own. Length, loudness and
        position depend on nothing.
        Training nuisance: {SampleDifficulty.Misaligned:P0} of the captions belong to the scene after theirs, {SampleDifficulty.Missing:P0} of the telling words are missing and {SampleDifficulty.Wrong:P0}
        wrong, {SampleDifficulty.Cut:P0} of the sentences are cut into two captions.

        """);
}
