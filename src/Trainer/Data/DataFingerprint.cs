using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

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
