using System.Numerics.Tensors;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// A text-to-clip retrieval set in the original's layout (mcn-spec §9.1), as a pickle or as npy members and json: one sentence and one
/// clip an item, the right answer to sentence i is clip i. The audio stays as long and as precise as it is stored (half or single) and
/// is padded when a batch is filled. Immutable.
/// </summary>
public sealed class RetrievalSet
{
    // The original divides by it, so that the 32 test clips without sound are mistakes.
    const int MsrVttClips = 1000;

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

    /// <summary>The pickle, folder or tar.</summary>
    public string File { get; }

    /// <summary>Name of the set: the file's, without folder and extension.</summary>
    public string Name => Path.GetFileNameWithoutExtension(File);

    /// <summary>Which set it is, as far as its layout, name and size tell: one of <see cref="PublishedFigures"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Clips that can be found.</summary>
    public int Count => captions.Length;

    /// <summary>Items without audio: nobody can find them, they count as mistakes.</summary>
    public required int WithoutAudio { get; init; }

    /// <summary>What recalls are divided by: all items, and for MSR-VTT's test set always its 1,000 (mcn-spec §9.2).</summary>
    public int Denominator => Kind == PublishedFigures.MsrVtt ? Math.Max(MsrVttClips, Count + WithoutAudio) : Count + WithoutAudio;

    /// <summary>Lengths of the 2d and 3d features before they were scaled to 1, for each clip.</summary>
    public required IReadOnlyList<(float Norm2d, float Norm3d)> Norms { get; init; }

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

    /// <summary>Least and largest value of all spectrograms, decibels.</summary>
    public (float Least, float Most) AudioRange()
    {
        var (least, most) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (var array in audio)
        {
            if (array.Count == 0) continue;
            var values = array.ToSingles();
            least = Math.Min(least, TensorPrimitives.Min<float>(values));
            most = Math.Max(most, TensorPrimitives.Max<float>(values));
        }

        return (least, most);
    }

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
            destination[valid..].Fill(batch.Padding);
        }
    }

    /// <summary>Reads and checks a set: a pickle, a folder or a .tar.</summary>
    /// <param name="kind">Which set it is, when the caller knows; null: see <see cref="Kind"/>.</param>
    public static RetrievalSet Read(string file, ModelConfig model, string? kind = null)
    {
        var (count, take) = Items(file);
        var (ids, captions, audio) = (new List<string>(count), new List<string>(count), new List<HostArray>(count));
        var norms = new List<(float, float)>(count);
        var video = new float[checked(count * model.FeatureDim)];
        var isPooled = false;
        for (var i = 0; i < count; i++)
        {
            var item = new RetrievalItem(file, i, take(i));
            isPooled |= item.IsPooled;
            if (item.LacksAudio) continue;
            norms.Add(item.CopyVideo(video.AsSpan(ids.Count * model.FeatureDim, model.FeatureDim)));
            ids.Add(item.Id());
            captions.Add(item.Caption());
            audio.Add(item.Audio(model.MelBands));
        }

        if (ids.Count == 0) throw new UserError(file, $"{count} clips, none with audio", "clips with audio", "Set evaluation.eval_files to a filled set");
        return new RetrievalSet(file, [.. ids], [.. captions], video, model.FeatureDim, [.. audio])
        {
            Kind = kind ?? KindOf(file, isPooled, ids), WithoutAudio = count - ids.Count, Norms = norms,
        };
    }

    static (int Count, Func<int, object?> Take) Items(string file)
    {
        if (Directory.Exists(file) || file.EndsWith(".tar", StringComparison.OrdinalIgnoreCase))
        {
            var members = new MemberItems(SetMembers.Open(file));
            return (members.Count, members.At);
        }

        if (PickleReader.Read(file) is not List<object?> list)
        {
            throw new UserError(file, "a pickle that is no list", "a list with one dict for each clip",
                "Set evaluation.eval_files to retrieval sets in the original's layout");
        }

        if (list.Count == 0) throw new UserError(file, "an empty list", "at least one clip", "Set evaluation.eval_files to a filled set");
        return (list.Count, index =>
        {
            var item = list[index];
            list[index] = null; // frees what was pickled: the sets are hundreds of megabytes
            return item;
        });
    }

    // MSR-VTT numbers its videos, LSMDC names film and time; of YouCook2's layout there are many sets, and only one has figures.
    static string KindOf(string file, bool isPooled, List<string> ids)
    {
        if (isPooled) return ids.TrueForAll(id => id.StartsWith("video", StringComparison.Ordinal) && id.Skip(5).All(char.IsAsciiDigit)) ? PublishedFigures.MsrVtt : PublishedFigures.Lsmdc;
        var isNamed = Path.GetFileName(file).Contains("youcook", StringComparison.OrdinalIgnoreCase);
        return isNamed || ids.Count == PublishedFigures.YouCook2Clips ? PublishedFigures.YouCook2 : PublishedFigures.OtherClips;
    }
}
