namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// The bytes of a pack that shall fit into a stated size: what was written, and what the next video adds at most, its lines in index, list
/// and captions included. A function of the videos, so that an interrupted pack ends where a whole one ends.
/// </summary>
sealed class PackBudget(long? most)
{
    const long Fixed = 16 << 10; // manifest and plan
    const long PerShard = 2048 + 400; // end of the tar; head of the index, line of the manifest
    const long PerMember = 300;
    const long PerVideo = 300;
    const long PerCaption = 32; // binary times in the pickle, where the json may be shorter

    long used = Fixed;
    long open;

    /// <summary>Whether a video still fits; it counts from then on.</summary>
    public bool Admits(PackedVideo video)
    {
        var bytes = BytesOf(video);
        if (most is { } bound && used + open + bytes + PerShard > bound) return false;
        open += bytes;
        return true;
    }

    /// <summary>A shard is finished: its videos are counted by what it recorded, as they are after a resume.</summary>
    public void Account(ShardIndex index)
    {
        open = 0;
        used += PerShard + index.Records.Sum(record => Bytes(record.Path, record.Captions, record.Members.Select(member => member.Length)))
            + index.Skipped.Sum(skipped => PerVideo + skipped.Path.Length + (6L * skipped.Reason.Length));
    }

    /// <summary>At most, of all files of the pack.</summary>
    public static long BytesOf(PackedVideo video) => Bytes(video.Path, video.Captions, video.Members.Select(member => (long)member.Bytes.Length));

    static long Bytes(string path, int captions, IEnumerable<long> members)
    {
        var (total, last) = (0L, 0L);
        foreach (var length in members)
        {
            total += 512 + ((length + 511) / 512 * 512) + PerMember + (2L * path.Length);
            last = length; // the json comes last; its texts stand in the pickle too
        }

        return total + last + PerVideo + (8L * path.Length) + (captions * PerCaption);
    }
}
