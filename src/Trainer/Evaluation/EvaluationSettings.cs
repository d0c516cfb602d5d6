using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>What a retrieval figure depends on besides weights and data.</summary>
/// <param name="Model">Sizes of the network.</param>
/// <param name="MaxWords">Words kept of a caption.</param>
/// <param name="Seed">Of the bootstrap.</param>
public sealed record EvaluationSettings(ModelConfig Model, int MaxWords, EvaluationConfig Evaluation, CompatibilityConfig Compatibility, long Seed)
{
    public static EvaluationSettings Of(RunConfig config) => new(config.Model, config.Data.MaxWords, config.Evaluation, config.Compatibility, config.Seed);
}
