using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Model;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Starting weights from model.pretrain_path (the original's flag), in place of random ones. Only the network: optimizer, queue and
/// schedule begin anew. A run that goes on from a checkpoint does not come here, so the file may be gone by then.
/// </summary>
static class Pretraining
{
    /// <summary>Copies them into the network; strict unless model.pretrain_partial is on.</summary>
    /// <returns>What was left out, to be told; null when nothing was.</returns>
    /// <exception cref="Shared.UserError">Weights that do not fit, with every difference.</exception>
    public static Alert? Apply(ModelConfig model, McnNetwork network)
    {
        if (model.PretrainPath.Length == 0) return null;
        var weights = NetworkWeights.Read(StoredWeights.Locate(model.PretrainPath));
        if (!model.PretrainPartial)
        {
            weights.CopyInto(network, model);
            return null;
        }

        var differences = weights.CopyWhatFits(network, model);
        return differences.AreNone ? null : new Alert
        {
            Code = "pretrain_partial",
            Text = $"{weights.Subject}: {differences.Fitting.Count} entries taken, the rest keeps its random start: {differences}",
        };
    }
}
