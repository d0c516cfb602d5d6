using System.Formats.Tar;
using System.Net;
using System.Threading.Channels;
using Mcn.Web.Shared.Link;
using Mcn.Web.Trainer.Recording;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// Sends checkpoints to the dashboard for those who download them: one loop of the supervisor, one at a time, read from the disk as the
/// browser takes it. What fails is not tried again: the person sees it and asks again.
/// </summary>
sealed class CheckpointUploader(ChannelReader<CheckpointUpload> orders, HttpClient http, ILogger log)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var order in orders.ReadAllAsync(cancel).ConfigureAwait(false)) await SendAsync(order, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The daemon ends; the dashboard notices.
        }
    }

    async Task SendAsync(CheckpointUpload order, CancellationToken cancel)
    {
        var name = Path.GetFileName(order.Entry.Path);
        try
        {
            using var content = new TarOf(order.Entry, cancel);
            using var request = new HttpRequestMessage(HttpMethod.Put, $"{LinkRoutes.Checkpoints}/{order.Ticket}") { Content = content };
            using var answer = await http.SendAsync(request, cancel).ConfigureAwait(false);
            answer.EnsureSuccessStatusCode();
            log.Information("Checkpoint {Checkpoint} was sent to the dashboard for a download", name);
        }
        catch (Exception error) when (error is HttpRequestException or IOException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            log.Warning("Checkpoint {Checkpoint} could not be sent to the dashboard: {Reason}", name, error.Message);
        }
    }

    /// <summary>The folder as a tar (POSIX pax), made while it is sent. All files are open from the start: one that is pruned meanwhile still comes whole.</summary>
    sealed class TarOf : HttpContent
    {
        readonly string folder;
        readonly List<FileStream> files = [];
        readonly CancellationToken cancel;

        public TarOf(CheckpointEntry entry, CancellationToken cancel)
        {
            (folder, this.cancel) = (Path.GetFileName(entry.Path), cancel);
            try
            {
                foreach (var file in Directory.EnumerateFiles(entry.Path).Order(StringComparer.Ordinal)) files.Add(File.OpenRead(file));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await using var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true);
            foreach (var file in files)
            {
                var entry = new PaxTarEntry(TarEntryType.RegularFile, $"{folder}/{Path.GetFileName(file.Name)}") { DataStream = file, ModificationTime = File.GetLastWriteTimeUtc(file.SafeFileHandle) };
                await tar.WriteEntryAsync(entry, cancel).ConfigureAwait(false);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            foreach (var file in files) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
