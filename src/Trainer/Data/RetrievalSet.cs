using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// A text-to-clip retrieval set in the original's pickled layout (mcn-spec §9.1): one sentence and one clip an item, the right answer
/// to sentence i is clip i. The audio stays as long and as precise as it is stored (half or single) and is padded when a batch is
/// filled. Immutable.
/// </summary>
public sealed class RetrievalSet
{
    readonly float[] video;
    readonly HostArray[] audio;
    readonly string[] captions;
    readonly string[] ids;
    readonly int videoWidth;

    RetrievalSet(string file, string[] ids, string[] captions, float[] video, int videoWidth, HostArray[] audio)
    {
        File = file;
        this.ids = ids;
        this.captions = captions;
        this.video = video;
        this.videoWidth = videoWidth;
        this.audio = audio;
    }

    /// <summary>The pickle.</summary>
    public string File { get; }

    /// <summary>Name of the set: the file's, without folder and extension.</summary>
    public string Name => Path.GetFileNameWithoutExtension(File);

    public int Count => captions.Length;

    public IReadOnlyList<string> Captions => captions;

    public IReadOnlyList<string> Ids => ids;

    /// <summary>Adds the words of the captions, so that the vocabulary has them.</summary>
    public void CollectWords(ISet<string> words)
    {
        foreach (var caption in captions)
            foreach (var token in Tokenizer.Enumerate(caption)) words.Add(token.ToString());
    }

    /// <summary>Spectrogram frames of a clip as stored, neither cut nor padded.</summary>
    public int FramesOf(int item) => (int)audio[item].Shape[1];

    /// <summary>Fills the batch with the items from <paramref name="first"/> on, as many as it holds or are left.</summary>
    public void Fill(int first, Vocabulary vocabulary, RetrievalBatch batch)
    {
        batch.First = first;
        batch.Count = Math.Min(batch.Capacity, Count - first);
        video.AsSpan(first * videoWidth, batch.Count * videoWidth).CopyTo(batch.Video);
        for (var i = 0; i < batch.Count; i++)
        {
            vocabulary.Encode(captions[first + i], batch.Tokens.AsSpan(i * batch.Words, batch.Words));
            batch.FrameCounts[i] = FramesOf(first + i);
            FillAudio(audio[first + i], batch, i);
        }
    }

    static void FillAudio(HostArray source, RetrievalBatch batch, int row)
    {
        var (bands, frames, limit) = ((int)source.Shape[0], (int)source.Shape[1], batch.Frames);
        for (var band = 0; band < bands; band++)
        {
            var destination = batch.Audio.AsSpan(((row * bands) + band) * limit, limit);
            var valid = Math.Min(frames, limit);
            source.CopyTo(band * frames, destination[..valid]);
            destination[valid..].Clear();
        }
    }

    /// <summary>Reads and checks a set.</summary>
    public static RetrievalSet Read(string file, ModelConfig model)
    {
        if (PickleReader.Read(file) is not List<object?> list)
        {
            throw new UserError(file, "a pickle that is no list", "a list with one dict for each clip",
                "Set evaluation.eval_files to retrieval sets in the original's layout");
        }

        if (list.Count == 0) throw new UserError(file, "an empty list", "at least one clip", "Set evaluation.eval_files to a filled set");

        var (ids, captions, audio) = (new string[list.Count], new string[list.Count], new HostArray[list.Count]);
        var video = new float[checked(list.Count * model.FeatureDim)];
        for (var i = 0; i < list.Count; i++)
        {
            var item = new RetrievalItem(file, i, list[i]);
            ids[i] = item.Id();
            captions[i] = item.Caption();
            item.CopyVideo(video.AsSpan(i * model.FeatureDim, model.FeatureDim));
            audio[i] = item.Audio(model.MelBands);
            list[i] = null; // frees what was pickled: the sets are hundreds of megabytes
        }

        return new RetrievalSet(file, ids, captions, video, model.FeatureDim, audio);
    }
}
