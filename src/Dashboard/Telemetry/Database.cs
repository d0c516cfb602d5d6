using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// The SQLite file: one writer thread, many readers (WAL). A write is a piece of work in a queue; what waits is committed
/// together, each piece in its own savepoint, so that a bad one fails alone. Answers come after the commit.
/// </summary>
public sealed class Database : IDisposable
{
    const int Waiting = 1024;
    const int PerCommit = 256;

    readonly Channel<Work> queue = Channel.CreateBounded<Work>(new BoundedChannelOptions(Waiting) { SingleReader = true });
    readonly string connectionString;
    readonly Thread writer;

    public Database(string file)
    {
        connectionString = new SqliteConnectionStringBuilder { DataSource = file, Pooling = true, DefaultTimeout = 30 }.ToString();
        using (var connection = Open()) Schema.Bring(connection, file);
        writer = new Thread(WriteUntilClosed) { Name = "database writer", IsBackground = true };
        writer.Start();
    }

    /// <summary>Commits so far; a figure for the curious and for tests.</summary>
    public long Commits { get; private set; }

    /// <summary>Does the work on the writer thread; ends when it is committed, with the work's exception if it had one.</summary>
    /// <param name="committed">Runs on the writer thread right after the commit, in the order of the commits.</param>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, T> work, Action<T>? committed = null)
    {
        var item = new Work(connection => work(connection), committed is null ? null : result => committed((T)result!));
        await queue.Writer.WriteAsync(item);
        return (T)(await item.Done.Task)!;
    }

    public Task WriteAsync(Action<SqliteConnection> work) => WriteAsync<object?>(connection =>
    {
        work(connection);
        return null;
    });

    /// <summary>Reads on the caller's thread; sees what is committed.</summary>
    public T Read<T>(Func<SqliteConnection, T> work)
    {
        using var connection = Open();
        return work(connection);
    }

    public void Dispose()
    {
        queue.Writer.TryComplete();
        writer.Join();
        // A pooled handle would keep a deleted file alive.
        using var connection = new SqliteConnection(connectionString);
        SqliteConnection.ClearPool(connection);
    }

    SqliteConnection Open()
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        connection.Run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=30000;");
        return connection;
    }

    void WriteUntilClosed()
    {
        using var connection = Open();
        var batch = new List<Work>(PerCommit);
        while (WaitForWork())
        {
            batch.Clear();
            while (batch.Count < PerCommit && queue.Reader.TryRead(out var work)) batch.Add(work);
            Commit(connection, batch);
        }
    }

    // The thread has nothing else to do, and an await would leave it.
    bool WaitForWork() => queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult();

    void Commit(SqliteConnection connection, List<Work> batch)
    {
        try
        {
            connection.Run("BEGIN IMMEDIATE");
            foreach (var work in batch) work.Do(connection);
            connection.Run("COMMIT");
            Commits++;
        }
        catch (SqliteException error)
        {
            // Disk full, file gone: nobody's work is done, everybody is told, senders try again.
            foreach (var work in batch) work.Fail(error);
            try { connection.Run("ROLLBACK"); }
            catch (SqliteException) { /* There was no transaction left to roll back. */ }
        }

        foreach (var work in batch) work.Tell();
    }

    sealed class Work(Func<SqliteConnection, object?> work, Action<object?>? committed)
    {
        object? result;
        Exception? failure;

        // Continuations must not run on the writer's thread.
        internal TaskCompletionSource<object?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal void Do(SqliteConnection connection)
        {
            connection.Run("SAVEPOINT work");
            try
            {
                result = work(connection);
            }
            catch (Exception error) when (error is not SqliteException { SqliteErrorCode: 13 or 10 or 11 or 26 })
            {
                failure = error;
                connection.Run("ROLLBACK TO work");
            }

            connection.Run("RELEASE work");
        }

        internal void Fail(Exception error) => failure ??= error;

        internal void Tell()
        {
            if (failure is not null)
            {
                Done.SetException(failure);
                return;
            }

            // What is committed stays committed, whatever happens to those who look at it.
            try
            {
                committed?.Invoke(result);
                Done.SetResult(result);
            }
            catch (Exception error)
            {
                Done.SetException(error);
            }
        }
    }
}
