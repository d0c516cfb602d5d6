using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Identity of the training data: XXH3-128 over the video list, the caption times, the known words of every caption with their
/// vectors, and the sizes. Words enter by spelling and vector, not by id, so other evaluation sets (which change the vocabulary) do
/// not change it. The feature files are not read.
/// </summary>
static class DataFingerprint
{
    public static string Of(VideoList videos, CaptionStore captions, Vocabulary vocabulary, BatchShape shape)
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes<long>([videos.Count, shape.VideoWidth, shape.MelBands, shape.Words, vocabulary.Dimension]));
        hash.Append(MemoryMarshal.AsBytes(videos.Offsets));
        hash.Append(videos.AllPaths);
        captions.AppendTo(hash, WordHashes(vocabulary));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>
    /// The same where other values or another order are read: 8-bit shards, windows, echo. Exact shards that are read one by one, or held
    /// in memory whole, give the batches of the original's layout, and a run may go on from one to the other.
    /// </summary>
    public static string With(string data, ShardStore? shards, WindowPlan? windows, int echo)
    {
        var other = shards is not null && shards.Encoding.Is8Bit() ? shards.Manifest.Encoding : "";
        if (windows is not null && (!windows.IsResident || echo > 1))
        {
            other += FormattableString.Invariant($" windows of {windows.ShardsPerWindow}, echo {echo}, ")
                + string.Join(' ', shards!.Manifest.Shards.Select(shard => shard.IndexXxh3));
        }

        return other.Length == 0 ? data : Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes($"{data} {other}")));
    }

    // Id → hash of the word and its vector.
    static ulong[] WordHashes(Vocabulary vocabulary)
    {
        var hashes = new ulong[vocabulary.Count + 1];
        for (var id = 1; id < hashes.Length; id++)
        {
            var word = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(vocabulary.WordOf(id)));
            var vector = vocabulary.Vectors.AsSpan(id * vocabulary.Dimension, vocabulary.Dimension);
            hashes[id] = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(vector), (long)word);
        }

        return hashes;
    }
}
